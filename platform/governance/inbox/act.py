"""Bulk actions on items of several clients: in each client's account, in a transaction of its own."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database
from foundation.errors import Forbidden, InvalidInput
from foundation.marks import N_
from foundation.web.actions import BulkItem, BulkResult, bulk_action, distinct_ids
from governance.approvals.answer import answer_many
from governance.exception_queue.routes import BULK
from governance.inbox.queries import find_owners
from governance.inbox.schemas import InboxKind
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.access import Access
from tenants.principal import home_scope

_ANSWERS: Final = {"approve": True, "decline": False}
_PERMISSIONS: Final = {
    InboxKind.APPROVAL: PolicyPermission.DECIDE_APPROVAL,
    InboxKind.EXCEPTION: GovernancePermission.RESOLVE_EXCEPTION,
}
_GONE: Final = N_("This item is closed, or there is no such item.")
_OTHER_KIND: Final = N_("This action is not for this kind of item.")


async def act_on_items(access: Access, db: Database, action: str, ids: Sequence[UUID], *, reason: str) -> BulkResult:
    """Results in the order of `ids`. Effects on one client's items remain when a later client's fail. `access` reads
    the fleet.

    Raises:
        InvalidInput: no such action, no item or too many, or no reason for declining.
        Forbidden: the member lacks the permission for this kind of item.
    """
    kind = InboxKind.APPROVAL if action in _ANSWERS else InboxKind.EXCEPTION
    if action not in _ANSWERS and action not in BULK:
        raise InvalidInput(N_("Choose what to do with the selected rows."), field="action")
    if not access.principal.may(_PERMISSIONS[kind]):
        raise Forbidden(N_("Your role does not include this."))
    wanted = distinct_ids(ids)
    _act(access, access.session, action, reason)  # refuses a missing reason before the first item
    owners = await find_owners(access.session, wanted)
    results = {one: _unfit(one, owners, kind) for one in wanted}
    by_account: dict[UUID, list[UUID]] = defaultdict(list)
    for one in wanted:
        if results[one] is None:
            by_account[owners[one][0]].append(one)
    for tenant_id, own in by_account.items():
        async with db.transaction(home_scope(access.principal).for_tenant(tenant_id)) as session:
            done = await bulk_action(session, own, _act(access, session, action, reason))
        results |= {item.id: item for item in done.items}
    return BulkResult.of([item for item in results.values() if item is not None])


def _act(access: Access, session: AsyncSession, action: str, reason: str) -> Callable[[UUID], Awaitable[None]]:
    """Raises: InvalidInput: no reason for declining."""
    if action in _ANSWERS:
        return answer_many(session, grant=_ANSWERS[action], reason=reason, now=access.now)
    return partial(BULK[action], session, now=access.now)


def _unfit(one: UUID, owners: Mapping[UUID, tuple[UUID, InboxKind]], kind: InboxKind) -> BulkItem | None:
    """The refusal of an item that does not exist or is of another kind."""
    if one not in owners:
        return BulkItem(one, "refused", "not-found", _text(_GONE))
    return None if owners[one][1] == kind else BulkItem(one, "refused", "invalid-input", _text(_OTHER_KIND))


def _text(marked: str) -> str:
    return InvalidInput(marked).detail
