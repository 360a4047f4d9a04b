"""Accounts are listed and selected by short names, and all missing options are reported at once."""

import secrets
from uuid import UUID

import click
import pytest

from controlplane.cli.main import main
from controlplane.provisioning import onboard_client, onboard_msp
from controlplane.services import Services
from foundation.scope import Scope
from tests.controlplane.test_cli import call, commands, run_program

Environment = dict[str, str | None]


@pytest.fixture
async def clients(services: Services) -> tuple[str, list[Scope]]:
    """Two MSPs, each with a client of the same short name. Returns the beginning of their short names."""
    mark, made = secrets.token_hex(4), []
    for letter in "ab":
        msp_account = await onboard_msp(services, name=f"MSP {letter}", slug=f"{mark}-{letter}")
        made.append(
            await onboard_client(services, msp_account, name=f"Client {letter}", slug=f"{mark}-c", currency="EUR")
        )
    return mark, made


async def test_msps_and_their_clients_are_listed_with_ids(
    environment: Environment, clients: tuple[str, list[Scope]]
) -> None:
    mark, made = clients
    status, output = await run_program(environment, "msp", "list")
    assert status == 0, output
    lines = [line for line in output.splitlines() if mark in line]
    expected = [UUID(str(id_)) for scope in made for id_ in (scope.msp_id, scope.tenant_id)]
    assert [UUID(line.split()[0]) for line in lines] == expected
    assert [line.startswith("  ") for line in lines] == [False, True, False, True]


async def test_short_names_are_accepted_for_ids(environment: Environment, clients: tuple[str, list[Scope]]) -> None:
    mark, made = clients
    for letter, scope in zip("ab", made, strict=True):
        names = ("--client", f"{mark}-c", "--msp", f"{mark}-{letter}")
        status, output = await run_program(environment, "client", "pin", *names)
        assert (status, output.split()[1].rstrip(",")) == (0, f"tenant-{scope.tenant_id}"), output


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--msp", "nobody-here"), "There is no MSP with the short name “nobody-here”."),
        (("--msp", "Not A Slug"), "A short name has"),
    ],
)
async def test_an_unknown_name_is_reported(environment: Environment, options: tuple[str, ...], expected: str) -> None:
    status, shown = await run_program(environment, "client", "list", *options)
    assert (status, expected in shown) == (1, True), shown


async def test_another_msps_client_is_not_found(environment: Environment, services: Services) -> None:
    mark = secrets.token_hex(4)
    one = await onboard_msp(services, name="One", slug=f"{mark}-one")
    await onboard_client(services, one, name="Client", slug=f"{mark}-only", currency="EUR")
    await onboard_msp(services, name="Two", slug=f"{mark}-two")
    given = ("--msp", f"{mark}-two", "--client", f"{mark}-only")
    status, shown = await run_program(environment, "audit", "verify", *given)
    assert (status, "has no client with the short name" in shown) == (1, True), shown


def test_without_the_owners_rights_ids_are_required(environment: Environment) -> None:
    shown = call(environment | {"DATABASE_URL": None}, "msp", "list")
    assert (shown.exit_code, "needs DATABASE_URL of the owner" in shown.output) == (1, True)


@pytest.mark.parametrize(
    ("path", "command"), [each for each in commands(main) if not isinstance(each[1], click.Group)], ids=str
)
def test_all_missing_options_are_named_at_once(path: tuple[str, ...], command: click.Command) -> None:
    required = [each.opts[0] for each in command.params if each.required and isinstance(each, click.Option)]
    if not required:
        return
    shown = call({}, *path)
    assert shown.exit_code == 2
    assert [option for option in required if f"'{option}'" not in shown.output] == []
    if len(required) > 1:
        shown = call({}, *path, f"{required[0]}={'2026-03' if required[0] == '--month' else UUID(int=1)}")
        assert [option for option in required[1:] if f"'{option}'" not in shown.output] == []
