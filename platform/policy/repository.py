"""SQL of rules and of the policy's history."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ScalarSelect, TextClause, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.locks import lock
from foundation.scope import Scope
from policy.models import PolicyVersion
from policy.rules import Effect, PolicyRule, RuleKind, rule_fields, rule_from


class PolicyState(NamedTuple):
    """Position in the policy's history. `stamp` is the last change's id. The id of a rolled-back change is never
    reused; its numbers may be.
    """

    stamp: UUID | None
    serial: int
    version: int


NEVER_PUBLISHED = PolicyState(None, 0, 0)

_STATE = text(
    "SELECT id, serial, version FROM policy_version WHERE tenant_id = :tenant_id ORDER BY serial DESC LIMIT 1"
)

# One statement, so that rules and version come from one snapshot.
_POLICY = text(
    "SELECT v.id AS stamp, v.serial, v.version, r.id, r.ptype, r.sub, r.dom, r.obj, r.act, r.condition, r.effect,"
    " r.description, r.approver, r.approvals, r.locked, r.inherited,"
    " r.overrides FROM (SELECT 1) AS one"
    " LEFT JOIN (SELECT id, serial, version FROM policy_version WHERE tenant_id = :tenant_id"
    "            ORDER BY serial DESC LIMIT 1) AS v ON true"
    " LEFT JOIN policy_rule AS r ON r.tenant_id = :tenant_id ORDER BY r.position, r.id"
)

_DELETE_LINES = text("DELETE FROM policy_rule WHERE tenant_id = :tenant_id AND ptype <> 'g'")

_INSERT = text(
    "INSERT INTO policy_rule (tenant_id, msp_id, dom, id, ptype, sub, obj, act, condition, effect, description,"
    " approver, approvals, locked, inherited, overrides, position) SELECT :tenant_id, :msp_id, :dom, n.* FROM unnest("
    "CAST(:id AS varchar[]), CAST(:ptype AS varchar[]), CAST(:sub AS varchar[]), CAST(:obj AS varchar[]),"
    " CAST(:act AS varchar[]), CAST(:condition AS varchar[]), CAST(:effect AS varchar[]),"
    " CAST(:description AS varchar[]), CAST(:approver AS varchar[]), CAST(:approvals AS smallint[]),"
    " CAST(:locked AS boolean[]), CAST(:inherited AS boolean[]), CAST(:overrides AS jsonb[])) WITH ORDINALITY AS n"
)

_DELETE_ONE = text("DELETE FROM policy_rule WHERE tenant_id = :tenant_id AND id = :id AND ptype = 'g'")

_INSERT_VERSION: TextClause = text(
    "INSERT INTO policy_version (tenant_id, msp_id, id, serial, version, author, diff, created_at)"
    " VALUES (:tenant_id, :msp_id, :id, :serial, :version, :author, :diff, :created_at)"
).bindparams(bindparam("diff", type_=JSONB))


def latest_policy(tenant_id: UUID) -> ScalarSelect[Any]:
    """SQL expression for the stamp of `PolicyCache.index_at`, to be added to another statement."""
    return (
        select(PolicyVersion.id)
        .where(PolicyVersion.tenant_id == tenant_id)
        .order_by(PolicyVersion.serial.desc())
        .limit(1)
        .scalar_subquery()
    )


async def fetch_state(session: AsyncSession, scope: Scope) -> PolicyState:
    row = (await session.execute(_STATE, {"tenant_id": scope.tenant_id})).one_or_none()
    return PolicyState(*row) if row is not None else NEVER_PUBLISHED


async def fetch_policy(session: AsyncSession, scope: Scope) -> tuple[PolicyState, list[PolicyRule]]:
    rows = (await session.execute(_POLICY, {"tenant_id": scope.tenant_id})).all()
    first = rows[0]
    state = PolicyState(first.stamp, first.serial, first.version) if first.stamp is not None else NEVER_PUBLISHED
    rules = [
        PolicyRule(
            id=row.id,
            ptype=RuleKind(row.ptype),
            sub=row.sub,
            dom=row.dom,
            obj=row.obj,
            act=row.act,
            condition=row.condition,
            effect=Effect(row.effect),
            description=row.description,
            approver=row.approver,
            approvals=row.approvals,
            locked=row.locked,
            inherited=row.inherited,
            overrides=None if row.overrides is None else rule_from(row.id, row.overrides),
        )
        for row in rows
        if row.id is not None
    ]
    return state, rules


async def lock_policy(session: AsyncSession, scope: Scope) -> None:
    """Serialise changes of one tenant's policy; readers are not blocked."""
    await lock(session, f"policy:{scope.tenant_id}")


async def replace_lines(session: AsyncSession, scope: Scope, *, rules: Sequence[PolicyRule]) -> None:
    """Replace all permission and governance rules by `rules`; role assignments are unchanged."""
    await session.execute(_DELETE_LINES, {"tenant_id": scope.tenant_id})
    await insert_rules(session, scope, rules=rules)


async def insert_rules(session: AsyncSession, scope: Scope, *, rules: Sequence[PolicyRule]) -> None:
    columns: dict[str, Any] = {
        name: [str(getattr(rule, name)) for rule in rules]
        for name in ("id", "ptype", "sub", "obj", "act", "condition", "effect", "description", "approver")
    }
    columns |= {name: [getattr(rule, name) for rule in rules] for name in ("approvals", "locked", "inherited")}
    columns["overrides"] = [
        None if rule.overrides is None else json.dumps(rule_fields(rule.overrides)) for rule in rules
    ]
    place = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "dom": str(scope.tenant_id)}
    await session.execute(_INSERT, columns | place)


async def delete_role_rule(session: AsyncSession, scope: Scope, *, rule_id: str) -> None:
    await session.execute(_DELETE_ONE, {"tenant_id": scope.tenant_id, "id": rule_id})


async def insert_version(
    session: AsyncSession, scope: Scope, *, state: PolicyState, diff: dict[str, Any], created_at: datetime
) -> None:
    await session.execute(
        _INSERT_VERSION,
        {
            "tenant_id": scope.tenant_id,
            "msp_id": scope.msp_id,
            "id": state.stamp,
            "serial": state.serial,
            "version": state.version,
            "author": scope.actor.id,
            "diff": diff,
            "created_at": created_at,
        },
    )
