"""`fairlead valkey-users`: ACL users for an external Valkey."""

import secrets

import click

from foundation.settings import VALKEY_URLS
from foundation.terminal import say
from foundation.valkey_users import RULES, acl_line, user_name


@click.command("valkey-users")
def valkey_users() -> None:
    """Make passwords for the components' users of Valkey, and print its ACL lines and what goes into the URLs.

    Nothing is stored, and no server is asked: put the first lines into Valkey's ACL file (or pass each to ACL SETUSER),
    and the others into the secrets of the components.
    """
    passwords = {component: secrets.token_urlsafe(32) for component in RULES}
    say("# Lines for the ACL file; `default` should be off, or have a password of its own.")
    for component, password in passwords.items():
        say(acl_line(component, password).replace(" reset ", " ", 1))
    say("\n# For the components, in front of the host:")
    for component, password in passwords.items():
        say(f"{VALKEY_URLS[component]}=rediss://{user_name(component)}:{password}@HOST:6379/0")
