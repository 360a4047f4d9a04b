"""Evidence of a control review, collected from the client's records in its scope; the facts of its onboarding are read
before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import verify_chain
from foundation.database.engine import scope_of
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.control_reviews.schemas import ControlFinding, ControlFindingView
from governance.control_reviews.states import ReviewControl
from governance.exceptions.states import IS_OPEN
from governance.onboarding.facts import OnboardingFacts
from tenants.relations import MEMBER_VISITS

POLICY_AGE: Final = timedelta(days=365)
"""Age from which an unchanged policy should be confirmed."""
UNSEEN: Final = timedelta(days=90)
BACKUP_AGE: Final = timedelta(days=7)
_PATHS: Final[Mapping[ReviewControl, str]] = {
    ReviewControl.CONTRACTS: "/contracts",
    ReviewControl.POLICY: "/policy",
    ReviewControl.ACCESS: "/members",
    ReviewControl.BACKUP: "",
    ReviewControl.EXCEPTIONS: "/exceptions",
    ReviewControl.AUDIT: "/audit",
}
_NUMBERS: Final = text(f"""
    SELECT m.active, m.unseen, x.open, x.overdue, x.oldest_at, last_backup_at() AS backup_at
      FROM (SELECT count(*) AS active,
                   count(*) FILTER (WHERE coalesce(v.last_seen_at, v.created_at) < :unseen_since) AS unseen
              FROM {MEMBER_VISITS} v WHERE v.tenant_id = :t AND v.status = 'active') m
     CROSS JOIN (SELECT count(*) AS open, count(*) FILTER (WHERE e.correction_due_at < :now) AS overdue,
                        min(e.opened_at) AS oldest_at
                   FROM governance_exception e WHERE e.tenant_id = :t AND e.{IS_OPEN}) x
""")


async def collect_findings(session: AsyncSession, facts: OnboardingFacts, *, now: datetime) -> list[ControlFinding]:
    """One finding for each control. All entries of the audit trail are verified."""
    binds = {"t": scope_of(session).tenant_id, "now": now, "unseen_since": now - UNSEEN}
    found = (await session.execute(_NUMBERS, binds)).one()
    chain = await verify_chain(session)
    policy_at, backup_at = facts.policy_at, found.backup_at
    has_policy = facts.policy_version > 0 and facts.has_rules and policy_at is not None
    owners = {"contracts": facts.contracts, "unowned": facts.unowned, "orphaned": facts.orphaned}
    trail: dict[str, int | str] = {"entries": chain.entries, "head": chain.head}
    if chain.broken_at is not None:
        trail["broken_at"] = chain.broken_at
    return [
        ControlFinding(ReviewControl.CONTRACTS, facts.contracts > 0 and not facts.unowned + facts.orphaned, {**owners}),
        ControlFinding(
            ReviewControl.POLICY, has_policy and _is_recent(policy_at, POLICY_AGE, now),
            {"version": facts.policy_version, **_time(policy_at)} if has_policy else {},
        ),
        ControlFinding(ReviewControl.ACCESS, not found.unseen, {"active": found.active, "unseen": found.unseen}),
        ControlFinding(ReviewControl.BACKUP, _is_recent(backup_at, BACKUP_AGE, now), _time(backup_at)),
        ControlFinding(
            ReviewControl.EXCEPTIONS, not found.overdue,
            {"open": found.open, "overdue": found.overdue, **_time(found.oldest_at)},
        ),
        ControlFinding(ReviewControl.AUDIT, chain.broken_at is None, trail),
    ]  # fmt: skip


def _is_recent(at: datetime | None, age: timedelta, now: datetime) -> bool:
    return at is not None and at >= now - age


def _time(at: datetime | None) -> dict[str, int | str]:
    return {} if at is None else {"at": at.isoformat()}


def write_finding(finding: ControlFinding) -> ControlFindingView:
    return ControlFindingView(
        control=finding.control, label=translate(finding.control.label), is_met=finding.is_met,
        detail=_sentence(finding), path=_PATHS[finding.control], values=finding.values,
    )  # fmt: skip


def _sentence(finding: ControlFinding) -> str:
    values, at = {**finding.values}, finding.values.get("at")
    if at is not None:
        values["at"] = current_localizer().moment(datetime.fromisoformat(str(at)))
    return translate(_text(finding.control, finding, has_time=at is not None), **values)


def _text(control: ReviewControl, finding: ControlFinding, *, has_time: bool) -> str:
    if control is ReviewControl.POLICY:
        return _POLICY if has_time else N_("No rules are published.")
    if control is ReviewControl.BACKUP:
        return N_("The last backup is of {at}.") if has_time else N_("No backup is recorded.")
    if control is ReviewControl.EXCEPTIONS:
        return _EXCEPTIONS if has_time else N_("No exception is open.")
    if control is ReviewControl.AUDIT:
        return _CHAIN if finding.is_met else N_("The chain is broken at entry {broken_at}.")
    return {ReviewControl.CONTRACTS: _CONTRACTS, ReviewControl.ACCESS: _ACCESS}[control]


_POLICY: Final = N_("Version {version} is in force since {at}.")
_EXCEPTIONS: Final = N_("Open: {open}, past their correction target: {overdue}, the oldest since {at}.")
_CHAIN: Final = N_("Entries verified: {entries}. Hash of the last one: {head}.")
_CONTRACTS: Final = N_(
    "Contracts: {contracts}. Reported elements without an owner: {unowned}. Contracts whose source is deleted:"
    " {orphaned}."
)
_ACCESS: Final = N_("Active members: {active}. Not seen for 90 days: {unseen}.")
