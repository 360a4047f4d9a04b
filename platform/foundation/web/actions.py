"""Actions of pages and of the API: one action with its refusal, and bulk actions with a result for each item."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.savepoint import savepoint
from foundation.errors import DomainError, InvalidInput, NotFound, Unauthenticated
from foundation.marks import N_

MOST_AT_ONCE: Final = 200
_SERVER_ERROR: Final = 500


async def run_action(session: AsyncSession, act: Awaitable[Any]) -> DomainError | None:
    """Run an action in a savepoint and return its refusal, for the page to show. NotFound and Unauthenticated are still
    raised, because they have pages of their own.
    """
    try:
        async with savepoint(session):
            await act
    except (NotFound, Unauthenticated):
        raise
    except DomainError as refusal:
        return refusal
    return None


BulkIds = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
"""Ids of a bulk act's body."""


class BulkItem(msgspec.Struct, frozen=True):
    """Result of one item. A refusal has the code and the sentence of the single action's response."""

    id: UUID
    result: Literal["done", "refused"]
    code: str = ""
    detail: str = ""


class BulkResult(msgspec.Struct, frozen=True):
    """Results in the order of the request."""

    done: int
    refused: int
    items: Sequence[BulkItem]

    @classmethod
    def of(cls, items: Sequence[BulkItem]) -> Self:
        done = sum(item.result == "done" for item in items)
        return cls(done, len(items) - done, items)


def distinct_ids(ids: Sequence[UUID]) -> list[UUID]:
    """Each id once, in the order of the request. Raises: InvalidInput: no id, or more than `MOST_AT_ONCE`."""
    wanted = list(dict.fromkeys(ids))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise InvalidInput(N_("Select 1 to {most} items."), params={"most": MOST_AT_ONCE}, field="ids")
    return wanted


async def bulk_action(
    session: AsyncSession, ids: Sequence[UUID], act: Callable[[UUID], Awaitable[object]]
) -> BulkResult:
    """Run `act`, the use case of the single action, on each item, in a savepoint of its own: a refused item leaves no
    effect and does not stop the others. Items are processed in the order of their ids, so that concurrent requests
    cannot deadlock.

    Raises:
        InvalidInput: no item, or too many.
    """
    wanted = distinct_ids(ids)
    results: dict[UUID, BulkItem] = {}
    for one in sorted(wanted):
        try:
            async with savepoint(session):
                await act(one)
        except DomainError as refusal:
            if refusal.status >= _SERVER_ERROR:
                raise
            results[one] = BulkItem(one, "refused", refusal.code, refusal.detail)
        else:
            results[one] = BulkItem(one, "done")
    return BulkResult.of([results[one] for one in wanted])


def read_ids(values: Sequence[str]) -> list[UUID]:
    """Ids of a form's checkboxes. Raises: InvalidInput."""
    try:
        return [UUID(value) for value in values]
    except ValueError:
        raise InvalidInput(N_("The selection cannot be read. Reload the page and select again."), field="ids") from None
