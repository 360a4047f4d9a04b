"""Bulk actions from a page: the selected checkboxes, and the results that the list shows above its rows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import msgspec
from litestar.datastructures import FormMultiDict
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import DomainError, Forbidden, InvalidInput
from foundation.marks import N_
from foundation.web.actions import BulkItem, BulkResult, bulk_action, read_ids

FIELD = "id"
"""Name of the checkboxes."""


class BulkView(msgspec.Struct, frozen=True):
    """Outcome of a bulk form. `names` are the labels of the page's rows by id. With a `refusal`, nothing was done.
    `selected` rows are ticked again: all of them after a refusal, else those that were refused.
    """

    action: str
    names: Mapping[str, str]
    selected: frozenset[str]
    reason: str = ""
    result: BulkResult | None = None
    refusal: DomainError | None = None

    def name(self, item: BulkItem) -> str:
        return self.names.get(str(item.id), str(item.id))


BulkAct = Callable[[Sequence[UUID]], Awaitable[BulkResult]]


async def run_bulk_form(
    form: FormMultiDict, choose: Callable[[], BulkAct | None], names: Mapping[str, str]
) -> BulkView:
    """Run the bulk action that `choose` returns for the pressed button on the ticked rows. Forbidden and InvalidInput
    must be raised before any change.
    """
    selected = [str(value) for value in form.getall(FIELD, [])]
    view = BulkView(str(form.get("action", "")), names, frozenset(selected), str(form.get("reason", "")))
    try:
        act = choose()
        if act is None:
            raise InvalidInput(N_("Choose what to do with the selected rows."), field="action")  # noqa: TRY301
        if not selected:
            raise InvalidInput(N_("Nothing is selected. Tick at least one row first."), field=FIELD)  # noqa: TRY301
        result = await act(read_ids(selected))
    except (Forbidden, InvalidInput) as refusal:
        return msgspec.structs.replace(view, refusal=refusal)
    refused = frozenset(str(item.id) for item in result.items if item.result == "refused")
    return msgspec.structs.replace(view, result=result, selected=refused)


async def bulk_form(
    session: AsyncSession,
    form: FormMultiDict,
    choose: Callable[[], Callable[[UUID], Awaitable[object]] | None],
    names: Mapping[str, str],
) -> BulkView:
    """Run the action that `choose` returns, the use case of a single row, on each of the ticked rows."""

    def bulk() -> BulkAct | None:
        act = choose()
        return None if act is None else partial(bulk_action, session, act=act)

    return await run_bulk_form(form, bulk, names)
