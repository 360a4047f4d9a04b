"""A replay's stored totals as figures."""

from typing import Final

from governance.policies.handling_time import HandlingTime
from governance.policies.replay_job import LISTED
from governance.policies.rows import Draft, PolicyReplayRow, ScheduledDraft, is_of_content
from governance.policies.schemas import MoneyMoved, OutcomeCounts, OutcomeMove, ReplayView
from policy.rules import PolicyOutcome

_DIGITS: Final = 1


def view_replay(
    replay: PolicyReplayRow, draft: Draft | ScheduledDraft | None, version: int, handling: HandlingTime
) -> ReplayView:
    """`draft`: the replay's, if it is still open or scheduled; `version`: of the policy in force."""
    moves = [OutcomeMove(*_sides(pair), number) for pair, number in sorted(replay.counts.items())]
    before = OutcomeCounts(**{one.value: _sum(moves, before=one.value) for one in PolicyOutcome})
    after = OutcomeCounts(**{one.value: _sum(moves, after=one.value) for one in PolicyOutcome})
    return ReplayView(
        id=replay.id,
        state=replay.state,
        revision=replay.revision,
        policy_version=replay.policy_version,
        is_current=draft is not None and is_of_content(replay, draft) and version == replay.policy_version,
        of_scheduled=isinstance(draft, ScheduledDraft),
        days=replay.days,
        since=replay.since,
        until=replay.until,
        total=replay.total,
        replayed=replay.replayed,
        differing=replay.differing,
        listed=min(replay.differing, LISTED),
        published=before,
        draft=after,
        moves=[move for move in moves if move.before != move.after],
        money=[
            MoneyMoved(currency, *_sides(pair), amount)
            for currency, pairs in sorted(replay.money.items())
            for pair, amount in sorted(pairs.items())
            if len(set(_sides(pair))) > 1
        ],
        published_answers_per_day=round(before.review / replay.days, _DIGITS),
        answers_per_day=round(after.review / replay.days, _DIGITS),
        published_reviewer_minutes_per_day=handling.minutes(before.review / replay.days),
        reviewer_minutes_per_day=handling.minutes(after.review / replay.days),
        handling_seconds=round(handling.each.total_seconds(), _DIGITS),
        is_handling_measured=handling.is_measured,
        started_at=replay.started_at,
        started_by=replay.started_by_name,
        ended_at=replay.ended_at,
    )


def _sides(pair: str) -> tuple[str, str]:
    """The outcomes of “before>after”."""
    before, _, after = pair.partition(">")
    return before, after


def _sum(moves: list[OutcomeMove], *, before: str = "", after: str = "") -> int:
    return sum(move.number for move in moves if before in {"", move.before} and after in {"", move.after})
