"""Changes of retention policies and legal holds. Each is audited."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import COST, PRICE, STOCK
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.database.locks import lock_shared
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_, Phrase
from foundation.reasons import clean_reason
from foundation.retention import DataClass, find_class
from foundation.web.lists import LONGEST_TEXT, check_exact
from governance.elements.models import ElementContract
from governance.inputs import check_text
from governance.retention.audit_actions import RetentionAction
from governance.retention.repository import LOCK, load_defaults
from governance.retention.rules import ClientRules
from governance.retention.schemas import NewHold, NewPolicy

MOST_DAYS: Final = 36_525  # a hundred years


async def set_policy(
    session: AsyncSession, classes: Sequence[DataClass], name: str, policy: NewPolicy, *, now: datetime
) -> None:
    """Set the retention period of a class or of one of its elements. An existing policy can always be removed.

    Raises NotFound for an unknown class, InvalidInput for days outside its bounds or an element without a contract.
    """
    scope, data_class = scope_of(session), _known(classes, name)
    element = check_text(policy.element, "element")
    if element and not data_class.by_element:
        raise InvalidInput(
            N_("“{data}” has no period per element. Choose all elements."),
            params={"data": Phrase(data_class.title)},
            field="element",
        )
    if policy.keep_days is not None:
        if element:
            await _check_element(session, element)
        rules = ClientRules({}, (), await load_defaults(session, scope.msp_id))
        _check_days(data_class, policy.keep_days, least=rules.least_days(data_class))
    keys = {"t": scope.tenant_id, "class": name, "element": element}
    before = await session.scalar(
        text("""
            SELECT keep_days FROM retention_policy
             WHERE tenant_id = :t AND data_class = :class AND element = :element FOR UPDATE
        """),
        keys,
    )
    await lock_shared(session, LOCK)
    if policy.keep_days is None:
        await session.execute(
            text("DELETE FROM retention_policy WHERE tenant_id = :t AND data_class = :class AND element = :element"),
            keys,
        )
    else:
        await session.execute(
            text("""
                INSERT INTO retention_policy (tenant_id, msp_id, data_class, element, keep_days, changed_at, changed_by)
                VALUES (:t, :m, :class, :element, :days, :now, :by)
                ON CONFLICT (tenant_id, data_class, element) DO UPDATE SET keep_days = excluded.keep_days,
                       changed_at = excluded.changed_at, changed_by = excluded.changed_by
            """),
            {**keys, "m": scope.msp_id, "days": policy.keep_days, "now": now, "by": scope.actor.name},
        )
    append_audit(
        session, action=RetentionAction.RETENTION_POLICY_SET, subject=f"data_class:{name}",
        data={"element": element, "days_before": before, "days": policy.keep_days}, at=now,
    )  # fmt: skip


async def set_default(
    session: AsyncSession, classes: Sequence[DataClass], name: str, keep_days: int | None, *, now: datetime
) -> None:
    """Set the default in the MSP's own account, for the MSP and all its clients. None restores the product's default.

    Raises NotFound for an unknown class, InvalidInput for days outside its bounds.
    """
    scope, data_class = scope_of(session), _known(classes, name)
    check_default(data_class, keep_days)
    before = (await load_defaults(session, scope.msp_id)).get(name)
    keys = {"t": scope.tenant_id, "class": name}
    await lock_shared(session, LOCK)
    await session.execute(text("DELETE FROM retention_default WHERE tenant_id = :t AND data_class = :class"), keys)
    if keep_days is not None:
        await session.execute(
            text("""
                INSERT INTO retention_default (tenant_id, msp_id, data_class, keep_days, changed_at, changed_by)
                VALUES (:t, :m, :class, :days, :now, :by)
            """),
            {**keys, "m": scope.msp_id, "days": keep_days, "now": now, "by": scope.actor.name},
        )
    append_audit(
        session, action=RetentionAction.RETENTION_DEFAULT_SET, subject=f"data_class:{name}",
        data={"days_before": before, "days": keep_days}, at=now,
    )  # fmt: skip


async def place_hold(
    session: AsyncSession, classes: Sequence[DataClass], hold: NewHold, *, now: datetime, new_id: NewId
) -> UUID:
    """Place a legal hold. Waits for a running deletion: after the commit, no data under the hold is deleted.

    Raises NotFound for an unknown class, InvalidInput without a reason.
    """
    scope = scope_of(session)
    if hold.data_class:
        _known(classes, hold.data_class)
    reason = _reason(hold.reason)
    hold_id, record_key = new_id(), check_exact(hold.record_key, "record_key")
    await lock_shared(session, LOCK)
    await session.execute(
        text("""
            INSERT INTO legal_hold (tenant_id, msp_id, id, data_class, record_key, reason, placed_at, placed_by)
            VALUES (:t, :m, :id, :class, :record, :reason, :now, :by)
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "id": hold_id, "class": hold.data_class, "record": record_key,
            "reason": reason, "now": now, "by": scope.actor.name,
        },
    )  # fmt: skip
    append_audit(
        session, action=RetentionAction.RETENTION_HOLD_PLACED, subject=f"legal_hold:{hold_id}",
        data={"data_class": hold.data_class, "record": record_key, "reason": reason}, at=now,
    )  # fmt: skip
    return hold_id


async def release_hold(session: AsyncSession, hold_id: UUID, *, reason: str, now: datetime) -> None:
    """Release a legal hold. Data kept only by this hold is deleted in the next run.

    Raises NotFound, Conflict when the hold is already released, InvalidInput without a reason.
    """
    scope, reason = scope_of(session), _reason(reason)
    found = (
        await session.execute(
            text("SELECT released_at FROM legal_hold WHERE tenant_id = :t AND id = :id FOR UPDATE"),
            {"t": scope.tenant_id, "id": hold_id},
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    if found.released_at is not None:
        raise Conflict(N_("This hold has already been released. Reload the page to see its state."))
    await session.execute(
        text("""
            UPDATE legal_hold SET released_at = :now, released_by = :by, release_reason = :reason
             WHERE tenant_id = :t AND id = :id
        """),
        {"t": scope.tenant_id, "id": hold_id, "now": now, "by": scope.actor.name, "reason": reason},
    )
    append_audit(
        session,
        action=RetentionAction.RETENTION_HOLD_RELEASED,
        subject=f"legal_hold:{hold_id}",
        data={"reason": reason},
        at=now,
    )


def _known(classes: Sequence[DataClass], name: str) -> DataClass:
    found = find_class(classes, name)
    if found is None:
        raise NotFound(
            N_("There is no class of data by this name. Choose one of: {known}."),
            params={"known": ", ".join(one.name for one in classes)},
        )
    return found


def check_default(data_class: DataClass, keep_days: int | None) -> int:
    """The days of an MSP's default; None is the product's. Raises InvalidInput for days outside its bounds."""
    if keep_days is None:
        return data_class.default_days
    _check_days(data_class, keep_days, least=data_class.least_days)
    return keep_days


def _check_days(data_class: DataClass, days: int, *, least: int) -> None:
    if not least <= days <= MOST_DAYS:
        raise InvalidInput(
            N_("Keep “{data}” for at least {least} days and at most {most}."),
            params={"data": Phrase(data_class.title), "least": least, "most": MOST_DAYS},
            field="keep_days",
        )


async def _check_element(session: AsyncSession, element: str) -> None:
    contracts = await session.scalars(
        select(ElementContract.element).where(ElementContract.tenant_id == scope_of(session).tenant_id)
    )
    known = sorted({PRICE, STOCK, COST, *contracts})
    if element not in known:
        raise InvalidInput(
            N_("There is no element by this name. Choose one of: {known}."),
            params={"known": ", ".join(known)},
            field="element",
        )


def _reason(reason: str) -> str:
    return clean_reason(reason, longest=LONGEST_TEXT)
