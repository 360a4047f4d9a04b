"""The check of an entitlement before objects are added, and the storage of entitlements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.entitlements.errors import NotInPlan, PlanLimitReached
from foundation.entitlements.features import Feature
from foundation.marks import N_, Phrase

_FIND: Final = "SELECT is_on, hard_limit FROM entitlement WHERE tenant_id = :t AND feature = :f"


class EntitlementValue(msgspec.Struct, frozen=True):
    """An account's share of a feature; None for no limit."""

    feature: str
    is_on: bool = True
    soft_limit: int | None = None
    hard_limit: int | None = None


async def require_entitlement(
    session: AsyncSession, feature: Feature, *, adding: int = 1, early: bool = False, now: datetime | None = None
) -> None:
    """Check that the scope's account may have `adding` more of the feature. `now` is for features that count by time.

    Call in the transaction that adds them: a row lock serialises concurrent additions, so the limit holds. `early`
    takes no lock: for a first check before slow work.

    Raises:
        NotInPlan, PlanLimitReached: with the remedy in the sentence.
    """
    tenant_id = scope_of(session).tenant_id
    find = text(_FIND if early else f"{_FIND} FOR UPDATE")
    allowed = (await session.execute(find, {"t": tenant_id, "f": feature.code})).one_or_none()
    if allowed is None:
        return
    label = Phrase(feature.label)
    if not allowed.is_on:
        raise NotInPlan(
            N_("{feature}: not part of this account's plan. Ask your provider for a plan that has it."),
            params={"feature": label}, feature=feature.code,
        )  # fmt: skip
    if allowed.hard_limit is None or not feature.count:
        return
    used = int(await session.scalar(text(feature.count), {"t": tenant_id, "now": now}) or 0)
    if used + adding > allowed.hard_limit:
        raise PlanLimitReached(
            N_("{feature}: the plan allows {limit}, and this month had {used}. Wait for the next month, or ask your provider for more.")  # noqa: E501
            if feature.per_month
            else N_("{feature}: the plan allows {limit}, and the account has {used}. Remove one, or ask your provider for more."),  # noqa: E501
            params={"feature": label, "limit": str(allowed.hard_limit), "used": str(used)},
            feature=feature.code, limit=allowed.hard_limit, used=used,
        )  # fmt: skip


async def store_entitlements(session: AsyncSession, values: Sequence[EntitlementValue], *, now: datetime) -> None:
    """Replace the entitlements of the scope's account; other features are unlimited. Equal rows are not rewritten."""
    scope = scope_of(session)
    await session.execute(
        text("DELETE FROM entitlement WHERE tenant_id = :t AND feature <> ALL (CAST(:features AS varchar[]))"),
        {"t": scope.tenant_id, "features": [one.feature for one in values]},
    )
    for one in values:
        await session.execute(
            _STORE, {**msgspec.structs.asdict(one), "t": scope.tenant_id, "m": scope.msp_id, "now": now}
        )


_STORE: Final = text("""
    INSERT INTO entitlement AS e (tenant_id, msp_id, feature, is_on, soft_limit, hard_limit, changed_at)
    VALUES (:t, :m, :feature, :is_on, :soft_limit, :hard_limit, :now)
    ON CONFLICT (tenant_id, feature) DO UPDATE SET is_on = excluded.is_on, soft_limit = excluded.soft_limit,
        hard_limit = excluded.hard_limit, changed_at = excluded.changed_at
     WHERE (e.is_on, e.soft_limit, e.hard_limit)
           IS DISTINCT FROM (excluded.is_on, excluded.soft_limit, excluded.hard_limit)
""")
