"""Commands of rooms, and the services they use. A room's commands are independent of settings and of the construction
of services: the root command has a `CommandHost` as its context object, which every command below uses.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final, TextIO, TypeVar
from uuid import UUID

import click
import msgspec
import psycopg
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.roles import BACKUP
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.rooms import AppServices, Rooms
from foundation.scope import Actor, Scope
from foundation.settings import Settings
from foundation.terminal import print_json, print_text
from foundation.text import NOT_STORABLE

OPERATOR: Final = Actor.system("operator")
_AS_JSON: Final = "foundation.commands.as_json"
_NEEDS_OWNER: Final = (
    "needs DATABASE_URL of the owner, because only the owner can read all MSPs. An embedded installation sets it."
)


Input = TypeVar("Input")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Text for people, and `data` for `--json`."""

    text: str
    data: Any


Act = Callable[[AppServices], Awaitable[CommandResult]]


def _store_option(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    ctx.meta[_AS_JSON] = value


JSON: Final[Callable[[Any], Any]] = click.option(
    "--json", is_flag=True, expose_value=False, callback=_store_option, help="Print the result as JSON."
)
"""Option of every command that prints a result (`print_result`)."""


class NounGroup(click.Group):
    """Commands on one kind of object, each with `--json`."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        has_json = any("--json" in one.opts for one in cmd.params)  # also of a command that is in a group already
        super().add_command(cmd if has_json else JSON(cmd), name)


def print_result(result: CommandResult) -> None:
    if click.get_current_context().meta.get(_AS_JSON):
        print_json(result.data)
    else:
        print_text(result.text)


@dataclass(frozen=True, slots=True)
class CommandHost:
    """`run` calls a function with the services and prints its result. `settings` are those of a component that needs
    neither vault nor every address.
    """

    rooms: Rooms
    run: Callable[[Act], None]
    settings: Callable[[str], Settings]


def command_host() -> CommandHost:
    found = click.get_current_context().find_object(CommandHost)
    if found is None:
        raise LookupError("this command is not below a root command with a CommandHost")
    return found


class FiniteRange(click.FloatRange):
    """A number within bounds. `click.FloatRange` accepts "nan", which no bound excludes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def run_with_services(act: Act) -> None:
    """Run `act` on the accounts given by the command's --msp and --client."""
    command_host().run(act)


def run_in_account(scope: Scope, act: Callable[[AsyncSession], Awaitable[CommandResult]]) -> None:
    """Run `act` in one transaction of the account, and print its result once the transaction is committed."""

    async def run(services: AppServices) -> CommandResult:
        async with services.db.transaction(scope) as session:
            return await act(session)

    run_with_services(run)


def operator_scope(msp_id: UUID, tenant_id: UUID) -> Scope:
    return Scope(msp_id=msp_id, tenant_id=tenant_id, actor=OPERATOR)


@contextmanager
def across_msps(purpose: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that reads every account. Run-time roles see one MSP at a time.

    Raises:
        InvalidInput: the owner's database URL is not configured.
    """
    owner_url = command_host().settings("").owner_url
    if not owner_url:
        raise InvalidInput(f"{purpose} {_NEEDS_OWNER}")
    with psycopg.connect(owner_url, connect_timeout=5) as connection:
        connection.execute(sql.SQL("SET TRANSACTION READ ONLY"))
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(BACKUP)))
        yield connection


def read_first_line(file: Path | TextIO, option: str) -> str:
    """First line of a secret's file. A decoder's error text would expose the secret, so it is dropped.

    Raises:
        click.BadParameter: the file cannot be read, or is not text.
    """
    try:
        if isinstance(file, Path):
            with file.open(encoding="utf-8-sig") as opened:
                return opened.readline().rstrip("\r\n")
        return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        name = file if isinstance(file, Path) else file.name
        raise click.BadParameter(f"{name} cannot be read as text in UTF-8.", param_hint=option) from None


def build_input(kind: type[Input], given: Mapping[str, Any]) -> Input:
    """The body that the API takes, from a command's options. Raises InvalidInput: a value is not within its limits."""
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise InvalidInput(N_("The input is not valid: {problem}."), params={"problem": str(wrong)}) from wrong
    except UnicodeEncodeError:  # bytes that are not UTF-8, in the place of a number
        raise InvalidInput(NOT_STORABLE) from None


def read_pairs(given: tuple[str, ...], option: str) -> Iterator[tuple[str, str]]:
    """Name and value of options such as `--set NAME=VALUE`."""
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"Write it as NAME=…, not “{name}”.", param_hint=option)
        yield name, value
