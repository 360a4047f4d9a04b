"""`fairlead valkey`: ACL users for an external Valkey."""

import secrets

import click

from foundation.commands import CommandResult, NounGroup, print_result
from foundation.settings import VALKEY_URLS
from foundation.valkey_users import RULES, acl_line, user_name


@click.group(cls=NounGroup)
def valkey() -> None:
    """Users of an external Valkey."""


@valkey.command("create-users")
def create_users() -> None:
    """Generate passwords for the components' Valkey users, and print the ACL lines and the parts of the URLs.

    Nothing is stored and no server is contacted. Put the ACL lines into Valkey's ACL file (or pass each to ACL SETUSER)
    and the URLs into the secrets of the components.
    """
    passwords = {component: secrets.token_urlsafe(32) for component in RULES}
    lines = [acl_line(component, password).replace(" reset ", " ", 1) for component, password in passwords.items()]
    urls = {
        VALKEY_URLS[component]: f"rediss://{user_name(component)}:{password}@HOST:6379/0"
        for component, password in passwords.items()
    }
    text = [
        "# Lines for the ACL file; `default` should be off, or have a password of its own.",
        *lines,
        "\n# For the components; replace HOST:",
        *(f"{name}={url}" for name, url in urls.items()),
    ]
    print_result(CommandResult("\n".join(text), {"acl": lines, "urls": urls}))
