"""Start of replays, and the job that executes one: PAGE changes per transaction, so that memory use stays constant."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput, NotFound
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.marks import N_
from governance.changes.month_values import load_recorded_month_values, names_month
from governance.elements.repository import load_contracts
from governance.policies import replay_repository, repository
from governance.policies.audit_actions import PolicyDraftAction
from governance.policies.job_types import REPLAY_LANE, REPLAY_POLICY
from governance.policies.replay import ReplayPolicies, replay_changes
from governance.policies.rows import Draft, PolicyReplayRow, ScheduledDraft, is_of_content
from governance.policies.schedule_repository import find_scheduled, find_undecided
from governance.policies.states import REPLAYS, ReplayState
from governance.records.account_time import load_zone
from governance.records.repository import load_channels
from governance.services import GovernanceServices
from policy.edits import apply_edits, hash_edits
from policy.index import PolicyIndex, compile_rules
from policy.repository import fetch_policy
from policy.rules import PolicyRule, RuleKind

PAGE: Final = 5_000
MOST_DAYS: Final = 365
LISTED: Final = 10_000
"""Differences that are kept to be listed; all are counted."""


async def start_replay(
    session: AsyncSession, services: GovernanceServices, *, days: int, scheduled: UUID | None = None, now: datetime
) -> UUID:
    """Start a replay of the changes of the last `days` days by the open draft, or by the `scheduled` one.

    Raises:
        NotFound: no draft is open, or no such draft is scheduled in this account.
        InvalidInput: less than one day, or more than a year.
    """
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(N_("Replay 1 to {most} days."), params={"most": MOST_DAYS}, field="days")
    draft = await repository.find_draft(session) if scheduled is None else await find_scheduled(session, scheduled)
    if draft is None:
        raise NotFound
    state, _ = await fetch_policy(session, scope_of(session))
    since = now - timedelta(days=days)
    replay = PolicyReplayRow(
        id=services.new_id(), draft_id=draft.id, revision=draft.revision, policy_version=state.version,
        state=REPLAYS.start(ReplayState.RUNNING), days=days, since=since, until=now,
        total=await replay_repository.count_changes(session, since=since, until=now), replayed=0, differing=0,
        after_id=None, counts={}, money={}, started_at=now, started_by_name=scope_of(session).actor.name, ended_at=None,
        content_hash=hash_edits(draft.edits),
    )  # fmt: skip
    await replay_repository.insert_replay(session, replay)
    enqueue(session, [_job(replay.id)])
    append_audit(
        session, action=PolicyDraftAction.REPLAY_STARTED, subject=f"policy_replay:{replay.id}",
        data={"draft": str(draft.id), "revision": draft.revision, "days": days, "changes": replay.total}, at=now,
    )  # fmt: skip
    return replay.id


def _job(replay_id: UUID) -> NewJob[NoPayload]:
    return NewJob(REPLAY_LANE, REPLAY_POLICY, key=str(replay_id), ref=replay_id, correlation=str(replay_id))


def replay_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def replay_page(batch: Batch[NoPayload]) -> None:
        async with batch.commit() as session:
            for item in batch.items:
                await _replay_page(session, services, item.ref)

    return replay_page


async def _replay_page(session: AsyncSession, services: GovernanceServices, replay_id: UUID | None) -> None:
    replay = None if replay_id is None else await replay_repository.find_replay(session, replay_id, lock=True)
    if replay is None or replay.state != ReplayState.RUNNING:
        return
    now = services.clock()
    draft = await find_undecided(session, replay.draft_id)
    state, rules = await fetch_policy(session, scope_of(session))
    if draft is None or not is_of_content(replay, draft) or state.version != replay.policy_version:
        await replay_repository.move_replay(
            session, replay, after_id=replay.after_id, counts=replay.counts, money=replay.money,
            state=REPLAYS.move(replay.state, ReplayState.OUTDATED), ended_at=now,
        )  # fmt: skip
        return
    given = await _load_input(session, services, rules, draft, version=state.version)
    changes = await replay_repository.next_changes(session, replay, limit=PAGE)
    named = [one.id for one in changes if any(names_month(index, one.element) for index in given.both)]
    months = await load_recorded_month_values(session, named, given.zone) if named else {}
    totals, found = replay_changes(changes, given, months)
    await replay_repository.insert_differences(session, replay.id, found[: max(0, LISTED - replay.differing)])
    more = len(changes) == PAGE
    counts, money = totals.merged(replay.counts, replay.money)
    await replay_repository.move_replay(
        session, replay, after_id=changes[-1].id if changes else replay.after_id, replayed=len(changes),
        differing=len(found), counts=counts, money=money,
        state=ReplayState.RUNNING if more else REPLAYS.move(replay.state, ReplayState.DONE),
        ended_at=None if more else now,
    )  # fmt: skip
    if more:
        enqueue(session, [_job(replay.id)])


async def _load_input(
    session: AsyncSession,
    services: GovernanceServices,
    known: list[PolicyRule],
    draft: Draft | ScheduledDraft,
    *,
    version: int,
) -> ReplayPolicies:
    roles = [rule for rule in known if rule.ptype is RuleKind.ROLE]
    rules = [rule for rule in known if rule.ptype is not RuleKind.ROLE]
    return ReplayPolicies(
        published=_compile(session, services, [*rules, *roles], version),
        draft=_compile(session, services, [*apply_edits(rules, draft.edits), *roles], version),
        contracts=await load_contracts(session),
        channels=await load_channels(session, services.runtime.registry),
        zone=await load_zone(session),
    )


def _compile(session: AsyncSession, services: GovernanceServices, rules: list[PolicyRule], version: int) -> PolicyIndex:
    tenant_id = str(scope_of(session).tenant_id)
    return compile_rules(
        [*services.policies.packaged, *(_in_account(rule, tenant_id) for rule in rules)],
        tenant_id=tenant_id, version=version,
    )  # fmt: skip


def _in_account(rule: PolicyRule, tenant_id: str) -> PolicyRule:
    """The rule with the account as its domain, which a drafted rule does not have yet."""
    return rule if rule.dom else replace(rule, dom=tenant_id)
