"""`fairlead msp`: MSPs, each with its brand, its host name and its first administrator."""

import unicodedata
from typing import Any, TextIO

import click

from branding.theme import parse_theme
from controlplane.provisioning import NewAccountMember, open_msp
from foundation.commands import CommandResult, NounGroup, across_msps, print_result, read_first_line, run_with_services
from foundation.names import clean_name
from foundation.rooms import AppServices
from tenants.relations import CLIENTS, MSPS


@click.group(cls=NounGroup)
def msp() -> None:
    """Managed-service providers."""


@msp.command("create")
@click.option("--name", required=True, help="Name of the MSP, shown on its pages.")
@click.option("--slug", required=True, help="Short name, e.g. northbeam.")
@click.option("--host", required=True, help="Host name that shows the MSP's brand, e.g. portal.northbeam.example.")
@click.option("--accent", default="#2f5fd0", show_default=True, help="Colour of the brand.")
@click.option("--support-email", required=True, help="Address shown to members who need help.")
@click.option("--admin-email", required=True, help="Address of the first administrator.")
@click.option(
    "--admin-password-file",
    type=click.File(encoding="utf-8-sig"),
    help="File whose first line is the administrator's password; - is standard input. Without it you are asked.",
)
def create_msp(  # noqa: PLR0913 - click passes options by name
    *,
    name: str,
    slug: str,
    host: str,
    accent: str,
    support_email: str,
    admin_email: str,
    admin_password_file: TextIO | None,
) -> None:
    """Create an MSP with its brand, its host name and its first administrator.

    The password is never an argument, because other users of the machine can read arguments.
    """
    if admin_password_file is not None:
        admin_password = read_first_line(admin_password_file, "--admin-password-file")
    else:
        admin_password = click.prompt("Administrator's password", hide_input=True, confirmation_prompt=True)

    async def act(services: AppServices) -> CommandResult:
        tokens = {
            "name": clean_name(name),
            "monogram": monogram_of(name) or monogram_of(slug),
            "accent": accent,
            "support_email": support_email,
        }
        admin = NewAccountMember(admin_email, "Administrator", admin_password, "msp_admin")
        msp_account = await open_msp(services, slug=slug, host=host, theme=parse_theme(tokens), admin=admin)
        address = f"http://{host}/"
        return CommandResult(
            f"msp {msp_account.msp_id}: sign in at {address} as {admin_email}",
            {"id": msp_account.msp_id, "slug": slug, "address": address, "admin_email": admin_email},
        )

    run_with_services(act)


@msp.command("list")
def list_msps() -> None:
    """List every MSP and its clients, with their IDs and short names."""
    with across_msps("`fairlead msp list`") as connection:
        msps = connection.execute(f"SELECT msp_id, slug, status, name FROM {MSPS} m ORDER BY slug").fetchall()
        clients = connection.execute(
            f"SELECT msp_id, tenant_id, slug, status, name FROM {CLIENTS} c ORDER BY slug"
        ).fetchall()
    found = [
        _account(*of) | {"clients": [_account(*client) for msp_id, *client in clients if msp_id == of[0]]}
        for of in msps
    ]  # fmt: skip
    lines = [line for one in found for line in (_line(one), *(f"  {_line(client)}" for client in one["clients"]))]
    print_result(
        CommandResult("\n".join(lines) or "There is no MSP yet. Create one with `fairlead msp create`.", found)
    )


def monogram_of(name: str) -> str:
    """Two letters for the brand's mark, limited to A to Z and digits."""
    plain = unicodedata.normalize("NFKD", name).upper()
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())[:2]


def _account(id_: object, slug: str, status: str, name: str) -> dict[str, Any]:
    return {"id": id_, "slug": slug, "status": status, "name": name}


def _line(account: dict[str, Any]) -> str:
    return f"{account['id']}  {account['status']:9}  {account['slug']}  {account['name']}"
