"""The go-live checklist: running its checks, waiving one, and going live."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.change_connection import probe_connection
from connectors.health import record_health
from connectors.probe import ProbeResult, failure_of
from connectors.relations import CONNECTIONS
from connectors.runtime import ConnectorRuntime
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import NotFound
from foundation.marks import N_
from foundation.reasons import clean_reason
from governance.elements.value_hold import HoldEnd, end_hold
from governance.onboarding.audit_actions import OnboardingAction
from governance.onboarding.client_templates.billing_job import enqueue_live_billing
from governance.onboarding.errors import AlreadyLive, NotReady
from governance.onboarding.schemas import CheckView, OnboardingView
from governance.onboarding.steps import CheckState, OnboardingCheck

Probed = Mapping[UUID, ProbeResult]
"""Results of tests by connection."""


async def probe_connections(session: AsyncSession, runtime: ConnectorRuntime, *, now: datetime) -> Probed:
    """Test every active connection of the scope's client as it is. Nothing is written.

    Raises:
        TooManyRequests: other tests are under way.
    """
    ids = await session.scalars(
        text(f"SELECT id FROM {CONNECTIONS} n WHERE tenant_id = :t AND state = 'active' ORDER BY id"),
        {"t": scope_of(session).tenant_id},
    )
    return {one: await probe_connection(session, runtime, one, now=now) for one in ids.all()}


async def record_checks(session: AsyncSession, probed: Probed, *, now: datetime) -> None:
    """Record the results as the connections' health, and the time of the checks."""
    scope, failed = scope_of(session), sorted(str(one) for one, result in probed.items() if not result.passed)
    await session.execute(
        text("UPDATE onboarding SET checked_at = :now WHERE tenant_id = :t"), {"t": scope.tenant_id, "now": now}
    )
    append_audit(
        session, action=OnboardingAction.ONBOARDING_CHECKED, subject=f"client:{scope.tenant_id}",
        data={"connections": len(probed), "failed": failed}, at=now,
    )  # fmt: skip
    for connection_id, result in probed.items():
        await record_health(session, connection_id, now=now, error=None if result.passed else failure_of(result))


async def waive_check(session: AsyncSession, name: str, *, reason: str, now: datetime) -> None:
    """Waive a check of the scope's client. The reason is replaced if it was waived before.

    Raises:
        NotFound: there is no such check.
        InvalidInput: the reason is empty or too long.
    """
    check, reason, scope = _find(name), clean_reason(reason), scope_of(session)
    await session.execute(
        text("""
            INSERT INTO onboarding_waiver (tenant_id, msp_id, check_name, reason, waived_at, waived_by, waived_by_id)
            VALUES (:t, :m, :check, :reason, :now, :by, :by_id)
            ON CONFLICT (tenant_id, check_name) DO UPDATE SET reason = excluded.reason,
                    waived_at = excluded.waived_at, waived_by = excluded.waived_by, waived_by_id = excluded.waived_by_id
        """),
        {
            "t": scope.tenant_id, "m": scope.msp_id, "check": check, "reason": reason, "now": now,
            "by": scope.actor.name, "by_id": scope.actor.responsible_member_id,
        },
    )  # fmt: skip
    append_audit(
        session, action=OnboardingAction.ONBOARDING_WAIVED, subject=f"client:{scope.tenant_id}",
        data={"check": str(check), "reason": reason}, at=now,
    )  # fmt: skip


async def withdraw_waiver(session: AsyncSession, name: str, *, now: datetime) -> None:
    """Raises: NotFound: the check is not waived, or there is none of this name."""
    check, scope = _find(name), scope_of(session)
    deleted = await session.scalar(
        text("DELETE FROM onboarding_waiver WHERE tenant_id = :t AND check_name = :check RETURNING check_name"),
        {"t": scope.tenant_id, "check": check},
    )
    if deleted is None:
        raise NotFound
    append_audit(
        session, action=OnboardingAction.ONBOARDING_WAIVER_WITHDRAWN, subject=f"client:{scope.tenant_id}",
        data={"check": str(check)}, at=now,
    )  # fmt: skip


def with_results(view: OnboardingView, probed: Probed) -> OnboardingView:
    """The onboarding `view`, read before the results were recorded, with its check of credentials updated by them."""
    if all(result.passed for result in probed.values()):
        return view
    return msgspec.structs.replace(view, checks=[_failed(one) for one in view.checks])


def _failed(check: CheckView) -> CheckView:
    if check.check is not OnboardingCheck.CREDENTIALS or check.state is CheckState.WAIVED:
        return check
    state = CheckState.FAILED if check.waiver is None else CheckState.WAIVED
    return msgspec.structs.replace(check, state=state)


async def go_live(session: AsyncSession, view: OnboardingView, *, now: datetime) -> None:
    """Record that the scope's client, whose onboarding is `view`, is live from now on.

    Raises:
        AlreadyLive.
        NotReady: a check fails that is not waived.
    """
    scope = scope_of(session)
    if failed := [check for check in view.checks if check.state is CheckState.FAILED]:
        raise NotReady(
            N_("Not passed: {checks}. Correct it, or have an MSP admin waive the check with a reason."),
            params={"checks": "; ".join(check.label for check in failed)},
            checks=[str(check.check) for check in failed],
        )
    changed = await session.scalar(
        text("""
            UPDATE onboarding SET live_at = :now, live_by = :by, live_by_id = :id
             WHERE tenant_id = :t AND live_at IS NULL RETURNING tenant_id
        """),
        {"t": scope.tenant_id, "now": now, "by": scope.actor.name, "id": scope.actor.id},
    )
    if changed is None:
        raise AlreadyLive(N_("Nothing remains to be done. The client's onboarding shows since when it is live."))
    await end_hold(session, HoldEnd.LIVE, now=now)
    await enqueue_live_billing(session, now=now)
    data = {"checks": {str(check.check): str(check.state) for check in view.checks}, **_times(view)}
    append_audit(
        session, action=OnboardingAction.ONBOARDING_LIVE, subject=f"client:{scope.tenant_id}", data=data, at=now
    )


def _times(view: OnboardingView) -> dict[str, object]:
    seconds = view.seconds_to_first_sync
    return {} if seconds is None else {"seconds_to_first_sync": seconds}


def _find(name: str) -> OnboardingCheck:
    try:
        return OnboardingCheck.of(name)
    except ValueError:
        raise NotFound from None
