"""Required approvers, as numbers of members by role, and the approvals given so far."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

MOST_APPROVALS: Final = 5
"""Most approvals that one rule can require."""


class Approvers(msgspec.Struct, frozen=True, order=True):
    """A requirement: approval by `number` members with `role`; empty for any role that may answer approvals."""

    role: str
    number: int


class Vote(msgspec.Struct, frozen=True):
    """One member's approval. `roles` are the member's roles at that time; `by` is the member's id."""

    by: str
    roles: tuple[str, ...]
    at: datetime
    reason: str = ""


ANYONE_ONCE: Final = (Approvers("", 1),)
"""The requirement of a review whose rules name no approvers."""


def combine_approvers(required: Iterable[Approvers]) -> tuple[Approvers, ...]:
    """The union of requirements: of each role the largest number."""
    numbers: dict[str, int] = {}
    for one in required:
        numbers[one.role] = max(one.number, numbers.get(one.role, 0))
    return tuple(Approvers(role, number) for role, number in sorted(numbers.items()))


def qualifies(roles: Iterable[str], required: Approvers) -> bool:
    """Whether the approval of a member with `roles` counts."""
    return not required.role or required.role in roles


def count_given(required: Approvers, votes: Sequence[Vote]) -> int:
    """Approvals that count towards `required`; more than its number are not counted."""
    return min(required.number, sum(qualifies(vote.roles, required) for vote in votes))


def missing_approvers(required: Sequence[Approvers], votes: Sequence[Vote]) -> list[Approvers]:
    """Requirements that `votes` do not meet yet, with the missing numbers."""
    left = ((one.role, one.number - count_given(one, votes)) for one in required or ANYONE_ONCE)
    return [Approvers(role, number) for role, number in left if number]
