"""Queries of onboardings. They need the fleet's scope, in which the database shows the MSP's clients and its prices."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.pagination import ListQuery, ListSource, ResultPage, read_page
from governance.onboarding.assess import assess_checks, assess_steps
from governance.onboarding.facts import COLUMNS, FACTS, PROGRESS, OnboardingFacts
from governance.onboarding.schemas import OnboardingRow, OnboardingView, WaiverView
from governance.onboarding.steps import OnboardingStep, first_open

LIVE: Final = "live"
STUCK_AFTER: Final = timedelta(days=3)
"""Time without any progress after which an onboarding counts as stuck."""
STEP: Final = first_open()
_LIVE: Final = N_("Live")
_STUCK: Final = "(f.live_at IS NULL AND f.latest_at < :stuck_before)"
_STATES: Final = {"": "true", "open": "f.live_at IS NULL", "stuck": _STUCK, "live": "f.live_at IS NOT NULL"}


async def load_onboarding(session: AsyncSession, client_id: UUID, *, now: datetime) -> OnboardingView:
    """The onboarding of one of the MSP's clients.

    Raises:
        NotFound: the client has none, or belongs to another MSP.
    """
    facts, step = await load_facts(session, client_id, now=now)
    return OnboardingView(
        client=facts.slug,
        name=facts.name,
        step=step,
        since=facts.latest_at,
        is_stuck=is_stuck(facts, now),
        created_at=facts.created_at,
        started_at=facts.started_at,
        checked_at=facts.checked_at,
        first_sync_at=facts.first_sync_at,
        seconds_to_first_sync=seconds_to_first_sync(facts),
        live_at=facts.live_at,
        live_by=facts.live_by or "",
        holds_values=facts.hold == "open",
        steps=assess_steps(facts),
        checks=assess_checks(facts, await load_waivers(session, client_id)),
    )


async def load_waivers(session: AsyncSession, client_id: UUID) -> dict[str, WaiverView]:
    """Waivers of the client's go-live checklist by check."""
    rows = await session.execute(
        text("SELECT check_name, reason, waived_by, waived_at FROM onboarding_waiver WHERE tenant_id = :client"),
        {"client": client_id},
    )
    return {row.check_name: WaiverView(row.reason, row.waived_by, row.waived_at) for row in rows}


async def load_facts(session: AsyncSession, client_id: UUID, *, now: datetime) -> tuple[OnboardingFacts, str]:
    """Facts of a client, and its first step that is not done. Raises NotFound."""
    rows = await session.execute(
        text(f"SELECT {COLUMNS}, {STEP} AS step FROM {FACTS} f WHERE f.msp_id = :msp AND f.tenant_id = :client"),
        {"msp": scope_of(session).msp_id, "client": client_id, "now": now},
    )
    row = rows.one_or_none()
    if row is None:
        raise NotFound
    return _facts(row), row.step


async def list_onboardings(session: AsyncSession, query: ListQuery, now: datetime) -> ResultPage[OnboardingRow]:
    """One page of `onboarding.lists`. The step follows from all facts of a client; without a filter by it, facts are
    read of the page's clients only.
    """
    step = query.values.get("step", "")
    status = _STATES[query.values.get("status", "")]
    binds: dict[str, object] = {"msp": scope_of(session).msp_id, "now": now, "stuck_before": now - STUCK_AFTER}
    if step:
        source = ListSource(
            columns=f"{COLUMNS}, {STEP} AS step",
            tables=f"{FACTS} f",
            where=f"f.msp_id = :msp AND {status} AND {STEP} = :step",
            binds={**binds, "step": step},
        )
        return (await read_page(session, source, query)).map(lambda row: _row(row, now))
    page = await read_page(
        session,
        ListSource(columns="f.tenant_id", tables=f"{PROGRESS} f", where=status, binds=binds),
        query,
    )
    rows = await session.execute(
        text(f"""
            SELECT {COLUMNS}, {STEP} AS step FROM unnest(CAST(:ids AS uuid[])) i (id)
              JOIN {FACTS} f ON f.tenant_id = i.id WHERE f.msp_id = :msp
        """),
        {**binds, "ids": [row.tenant_id for row in page.items]},
    )
    facts = {row.tenant_id: row for row in rows}
    return page.map(lambda row: _row(facts[row.tenant_id], now))


def is_stuck(facts: OnboardingFacts, now: datetime) -> bool:
    return facts.live_at is None and facts.latest_at < now - STUCK_AFTER


def seconds_to_first_sync(facts: OnboardingFacts) -> int | None:
    if facts.first_sync_at is None:
        return None
    return max(0, round((facts.first_sync_at - facts.created_at).total_seconds()))


def _facts(row: Row[Any]) -> OnboardingFacts:
    return OnboardingFacts(**{name: getattr(row, name) for name in OnboardingFacts.__struct_fields__})


def _row(row: Row[Any], now: datetime) -> OnboardingRow:
    facts, is_live = _facts(row), row.step == LIVE
    own = None if is_live else next(one for one in assess_steps(facts) if one.step == row.step)
    return OnboardingRow(
        tenant_id=facts.tenant_id,
        client=facts.slug,
        name=facts.name,
        step=row.step,
        step_label=translate(_LIVE if own is None else OnboardingStep.of(row.step).label),
        reason="" if own is None else own.detail,
        since=facts.latest_at,
        is_stuck=is_stuck(facts, now),
        created_at=facts.created_at,
        first_sync_at=facts.first_sync_at,
        seconds_to_first_sync=seconds_to_first_sync(facts),
        live_at=facts.live_at,
    )
