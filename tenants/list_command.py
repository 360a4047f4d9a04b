"""The command `list` of a declared list: its filters and orders as options, its items as lines or JSON."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from foundation.clock import utc_now
from foundation.commands import CommandResult, operator_scope, run_with_services
from foundation.rooms import AppServices
from foundation.web.lists import ChoiceFilter, Filter, ListDefinition
from tenants.command_options import CLIENT, CLIENT_OR_MSP, MSP

T = TypeVar("T")
_NOTHING: Final = "nothing found"


def list_command(  # noqa: PLR0913 - keyword-only
    definition: ListDefinition[T],
    line: Callable[[T], str],
    *,
    about: str,
    name: str = "list",
    of_msp: bool = False,
    fleet: bool = False,
    parent: tuple[str, Callable[[Any], Any]] | None = None,
    bind: Callable[[AppServices], ListDefinition[T]] | None = None,
) -> click.Command:
    """`line` writes an item. `of_msp`: without --client, of the MSP's own account; `fleet`: of all clients of the MSP.
    `parent` is the id in the address of the list, with its option. `bind`: the definition, if it needs services.
    """

    async def read(services: AppServices, msp_id: UUID, given: Mapping[str, Any]) -> CommandResult:
        listed = definition if bind is None else bind(services)
        query = listed.parse({name: value for name, value in given.items() if value}, limit=given["limit"]).require()
        if parent is not None:
            query = query.inside({parent[0]: given[parent[0]]})
        scope = operator_scope(msp_id, given.get("tenant_id") or msp_id)
        async with services.db.transaction(scope.for_fleet() if fleet else scope) as session:
            page = await listed.load(session, query, utc_now())
        lines = [line(one) for one in page.items]
        if page.next_cursor is not None:
            lines.append(f"more with --cursor {page.next_cursor}")
        return CommandResult("\n".join(lines) or _NOTHING, {"items": page.items, "next_cursor": page.next_cursor})

    @click.command(name, help=about)
    @click.option("--sort", type=click.Choice(list(definition.orders)), help="Order; a minus reverses it.")
    @click.option(
        "--limit", type=click.IntRange(1, definition.most), default=definition.usual, show_default=True,
        help="How many to list.",
    )  # fmt: skip
    @click.option("--cursor", default="", help="Where the previous page ended.")
    def command(msp_id: UUID, **given: Any) -> None:
        run_with_services(lambda services: read(services, msp_id, given))

    for one in reversed(definition.filters):
        command = _filter_option(one)(command)
    if parent is not None:
        command = parent[1](command)
    if not fleet:
        command = (CLIENT_OR_MSP if of_msp else CLIENT)(command)
    return MSP(command)


def _filter_option(one: Filter) -> Callable[[Any], Any]:
    option = f"--{one.name.replace('_', '-')}"
    about = one.about or f"{one.label}."
    if isinstance(one, ChoiceFilter):
        choice = click.Choice([str(value) for value, _ in one.options if value])
        return click.option(
            option, one.name, type=choice, default=str(one.default) or None, help=about, show_default=True
        )
    return click.option(option, one.name, help=about)
