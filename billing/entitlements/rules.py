"""Rules of a client, and defaults of a price book: read, set, and applied to the client."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.entitlements.resolve import Resolved, resolve
from billing.entitlements.schemas import (
    EntitlementInput,
    EntitlementRuleView,
    EntitlementSource,
    EntitlementView,
)
from billing.rating.tariffs import client_scope
from billing.sides import as_rater
from billing.subscriptions.repository import load_subscriptions
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.entitlements.check import EntitlementValue, store_entitlements
from foundation.entitlements.features import Feature, Features
from foundation.errors import InvalidInput, NotFound
from foundation.marks import N_


async def set_rule(
    session: AsyncSession, features: Features, wanted: EntitlementInput, *, book_id: UUID | None = None, now: datetime
) -> None:
    """Set an entitlement of the scope's client, which applies at once; or with `book_id`, in the MSP account, a default
    of a retail price book, which the clients' next rating applies within minutes.

    Raises:
        NotFound: no such retail price book.
        InvalidInput: no such feature, or a limit of a switch.
    """
    scope = scope_of(session) if book_id is not None else client_scope(session)
    feature = features.require(wanted.feature)
    if not feature.count and (wanted.soft_limit is not None or wanted.hard_limit is not None):
        raise InvalidInput(N_("This feature has no number. Switch it on or off."), field="hard_limit")
    if book_id is not None:
        await require_book(session, book_id)
    subject_id = book_id or scope.tenant_id
    if wanted.inherits:
        await session.execute(
            text("DELETE FROM entitlement_rule WHERE tenant_id = :t AND subject_id = :s AND feature = :f"),
            {"t": scope.tenant_id, "s": subject_id, "f": feature.code},
        )
    else:
        await session.execute(
            _SET,
            {
                "t": scope.tenant_id, "m": scope.msp_id, "s": subject_id, "f": feature.code, "is_on": wanted.is_on,
                "soft": wanted.soft_limit, "hard": wanted.hard_limit, "now": now, "by": scope.actor.name,
            },
        )  # fmt: skip
    data = {**msgspec.structs.asdict(wanted), "price_book": None if book_id is None else str(book_id)}
    subject = f"entitlement:{feature.code}"
    append_audit(session, action=BillingAction.ENTITLEMENT_SET, subject=subject, data=data, at=now)
    if book_id is None:
        await apply_entitlements(session, now)


async def apply_entitlements(session: AsyncSession, now: datetime) -> None:
    """Apply the current rules, plans and price book to the scope's client."""
    await store_entitlements(session, [one.value for one in (await _resolve(session, now)).values()], now=now)


async def list_entitlements(session: AsyncSession, features: Features, now: datetime) -> Sequence[EntitlementView]:
    """Every feature with the entitlement and use of the scope's client, those with a limit first."""
    found = await _resolve(session, now)
    views = [_view(feature, found.get(feature.code), await _used(session, feature, now)) for feature in features]
    return sorted(views, key=lambda one: (one.source is EntitlementSource.NONE, one.feature))


async def list_rules(session: AsyncSession, subject_id: UUID) -> Sequence[EntitlementRuleView]:
    """Rules of a client, or of a price book of the MSP account, in whose scope it is called."""
    rows = await session.execute(_RULES, {"t": scope_of(session).tenant_id, "s": subject_id})
    return [_rule(row) for row in rows]


async def require_book(session: AsyncSession, book_id: UUID) -> str:
    """Name of a retail price book of the MSP account. Raises NotFound."""
    name: str | None = await session.scalar(
        text("SELECT name FROM price_book WHERE tenant_id = :t AND id = :id AND side = 'retail'"),
        {"t": scope_of(session).msp_id, "id": book_id},
    )
    if name is None:
        raise NotFound
    return name


async def _resolve(session: AsyncSession, now: datetime) -> Mapping[str, Resolved]:
    scope = client_scope(session)
    own = await list_rules(session, scope.tenant_id)
    subscriptions = [one.subscribed for one in await load_subscriptions(session)]
    async with as_rater(session):
        rows = (await session.execute(_DEFAULTS, {"m": scope.msp_id, "t": scope.tenant_id})).all()
    return resolve(own, subscriptions, {row.feature: (_rule(row), row.name) for row in rows}, now)


async def _used(session: AsyncSession, feature: Feature, now: datetime) -> int | None:
    if not feature.count:
        return None
    return int(await session.scalar(text(feature.count), {"t": scope_of(session).tenant_id, "now": now}) or 0)


def _view(feature: Feature, found: Resolved | None, used: int | None) -> EntitlementView:
    value = EntitlementValue(feature.code) if found is None else found.value
    return EntitlementView(
        feature=feature.code, is_on=value.is_on, soft_limit=value.soft_limit, hard_limit=value.hard_limit, used=used,
        source=EntitlementSource.NONE if found is None else found.source,
        source_name="" if found is None else found.source_name,
    )  # fmt: skip


def _rule(row: Row[Any]) -> EntitlementRuleView:
    return EntitlementRuleView(row.feature, row.is_on, row.soft_limit, row.hard_limit, row.changed_at, row.changed_by)


_RULES: Final = text("SELECT * FROM entitlement_rule WHERE tenant_id = :t AND subject_id = :s ORDER BY feature")
# A price book of the client's own comes before the common one.
_DEFAULTS: Final = text("""
    SELECT DISTINCT ON (r.feature) r.*, b.name
      FROM price_book b JOIN entitlement_rule r ON r.tenant_id = b.tenant_id AND r.subject_id = b.id
     WHERE b.tenant_id = :m AND b.side = 'retail' AND (b.client_id IS NULL OR b.client_id = :t)
     ORDER BY r.feature, b.client_id IS NULL
""")
_SET: Final = text("""
    INSERT INTO entitlement_rule (tenant_id, msp_id, subject_id, feature, is_on, soft_limit, hard_limit, changed_at,
                                  changed_by)
    VALUES (:t, :m, :s, :f, :is_on, :soft, :hard, :now, :by)
    ON CONFLICT (tenant_id, subject_id, feature) DO UPDATE SET is_on = excluded.is_on,
        soft_limit = excluded.soft_limit, hard_limit = excluded.hard_limit, changed_at = excluded.changed_at,
        changed_by = excluded.changed_by
""")
