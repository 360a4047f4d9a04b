"""Published versions of a tenant's policy, and the rules of an earlier one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import NotFound
from foundation.scope import Scope
from policy.repository import fetch_policy
from policy.rules import PolicyRule, RuleKind, rule_from

_VERSIONS: Final = text("""
    SELECT version, author, diff, created_at FROM policy_version
     WHERE tenant_id = :t AND diff ? 'added' AND version > :after ORDER BY serial DESC LIMIT :limit
""")
_ALL: Final = 1_000_000


class PublishedVersion(msgspec.Struct, frozen=True):
    """A version of the rules with its difference to the one before. `author` is the publisher's id."""

    version: int
    author: str
    diff: dict[str, Any]
    created_at: datetime


async def list_versions(
    session: AsyncSession, scope: Scope, *, after: int = 0, limit: int = _ALL
) -> list[PublishedVersion]:
    """Versions above `after`, the newest first."""
    rows = await session.execute(_VERSIONS, {"t": scope.tenant_id, "after": after, "limit": limit})
    return [PublishedVersion(row.version, row.author, row.diff, row.created_at) for row in rows]


async def load_rules(session: AsyncSession, scope: Scope) -> tuple[int, list[PolicyRule]]:
    """The version in force and its rules, without role assignments."""
    state, known = await fetch_policy(session, scope)
    return state.version, [rule for rule in known if rule.ptype is not RuleKind.ROLE]


async def rules_at(session: AsyncSession, scope: Scope, version: int) -> list[PolicyRule]:
    """The rules of an earlier version: the current ones, with each later difference undone. The order of rules with
    equal effect may differ, which only affects the choice of the explaining rule.

    Raises:
        NotFound: no such version in this account.
    """
    current, rules = await load_rules(session, scope)
    if not 1 <= version <= current:
        raise NotFound
    return undo(rules, await list_versions(session, scope, after=version))


def undo(rules: Sequence[PolicyRule], newest_first: Iterable[PublishedVersion]) -> list[PolicyRule]:
    """`rules` without these differences."""
    found = {rule.id: rule for rule in rules}
    for version in newest_first:
        diff = version.diff
        for rule_id in diff["added"]:
            found.pop(rule_id, None)
        for rule_id, (before, _) in diff["changed"].items():
            found[rule_id] = rule_from(rule_id, before)
        for rule_id, before in diff["removed"].items():
            found[rule_id] = rule_from(rule_id, before)
    return list(found.values())


def same_rule(one: PolicyRule, other: PolicyRule) -> bool:
    """Whether two rules are equal apart from their accounts."""
    return replace(one, dom="") == replace(other, dom="")
