"""SQL of approvals. Rows are locked in the order of their keys, so that batches cannot deadlock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.scope import Scope
from policy.approvers import Approvers, Vote
from policy.states import IS_OPEN, ApprovalState


@dataclass(frozen=True, slots=True)
class Approval:
    """A stored approval. `author` wrote the content, `requested_by` requested its execution; often the same. Neither
    may decide.

    For a proposal by an API key `requested_by` is the key, `author` the member who created it.
    """

    id: UUID
    subject_kind: str
    subject_id: UUID
    content_hash: bytes
    policy_version: int
    requested_by: str
    author: str
    approvers: tuple[Approvers, ...]
    votes: tuple[Vote, ...]
    state: ApprovalState
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    expires_at: datetime
    used_at: datetime | None
    created_at: datetime


_COLUMNS = (
    "a.id, a.subject_kind, a.subject_id, a.content_hash, a.policy_version, a.requested_by, a.author, a.approvers,"
    " a.votes, a.state,"
    " a.decided_by, a.decided_at, a.reason, a.expires_at, a.used_at, a.created_at"
)
_WANTED = (
    "unnest(CAST(:ids AS uuid[]), CAST(:kinds AS varchar[]), CAST(:subjects AS uuid[]), CAST(:hashes AS bytea[]),"
    " CAST(:versions AS integer[]), CAST(:requesters AS varchar[]), CAST(:authors AS varchar[]),"
    " CAST(:expiries AS timestamptz[]), CAST(:dues AS timestamptz[]), CAST(:approvers AS varchar[]),"
    " CAST(:wait_ids AS uuid[]), CAST(:waits AS timestamptz[]),"
    " CAST(:severities AS smallint[]), CAST(:impacts AS numeric[]), CAST(:currencies AS varchar[]))"
    " AS w (id, subject_kind, subject_id, content_hash, policy_version, requested_by, author, expires_at, due_at,"
    " approvers, wait_id, waiting_since, severity, impact_amount, impact_currency)"
)

# All open approvals of the subjects are locked here, so that the insert below never waits for a lock. A granted
# approval was answered, so its wait is not continued.
SUPERSEDE = text(
    "WITH locked AS MATERIALIZED ("
    "  SELECT a.id, a.content_hash <> w.content_hash OR a.expires_at <= :now AS replaced, a.state AS was"
    f"  FROM {_WANTED} JOIN approval a ON a.subject_kind = w.subject_kind AND a.subject_id = w.subject_id"
    f"  WHERE a.tenant_id = :tenant_id AND a.{IS_OPEN} ORDER BY a.id FOR UPDATE OF a)"
    f" UPDATE approval a SET state = '{ApprovalState.WITHDRAWN}', cause = CAST(:cause AS jsonb), decided_at = :now"
    " FROM locked l WHERE a.tenant_id = :tenant_id AND a.id = l.id AND l.replaced"
    " RETURNING a.subject_kind, a.subject_id, l.was, a.wait_id, a.waiting_since"
)

# The update changes nothing; it makes the statement return existing rows too.
INSERT = text(
    "INSERT INTO approval (tenant_id, msp_id, id, subject_kind, subject_id, content_hash, policy_version,"
    " requested_by, author, expires_at, due_at, created_at, approvers, wait_id, waiting_since, severity, impact_amount,"
    " impact_currency)"
    " SELECT :tenant_id, :msp_id, w.id, w.subject_kind, w.subject_id, w.content_hash, w.policy_version,"
    " w.requested_by, w.author, w.expires_at, w.due_at, :now, CAST(w.approvers AS jsonb),"
    " coalesce(w.wait_id, w.id), coalesce(w.waiting_since, :now), w.severity, w.impact_amount, w.impact_currency"
    f" FROM {_WANTED} ORDER BY w.subject_kind, w.subject_id"
    f" ON CONFLICT (tenant_id, subject_kind, subject_id) WHERE {IS_OPEN}"
    " DO UPDATE SET subject_id = excluded.subject_id"
    " RETURNING id, subject_kind, subject_id, content_hash"
)

LOCK_ONE = text(f"SELECT {_COLUMNS} FROM approval a WHERE a.tenant_id = :tenant_id AND a.id = :id FOR UPDATE")

FIND_ONE = text(f"SELECT {_COLUMNS} FROM approval a WHERE a.tenant_id = :tenant_id AND a.id = :id")

SETTLE = text(
    "UPDATE approval SET state = :state, decided_by = :decided_by, decided_at = :now, reason = :reason"
    " WHERE tenant_id = :tenant_id AND id = :id RETURNING id"
)

ADD_VOTE = text(
    "UPDATE approval SET votes = CAST(:votes AS jsonb) WHERE tenant_id = :tenant_id AND id = :id RETURNING id"
)

# Hashes of hashes are compared, so that the comparison's time reveals nothing about the content's hash. `locked` waits
# for other holders of a row and then reads its new state.
REDEEM = text(
    "WITH w AS (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:hashes AS bytea[])) AS w (id, content_hash)),"
    " locked AS MATERIALIZED ("
    "  SELECT a.id, a.state, a.expires_at > :now AS fresh, sha256(a.content_hash) = sha256(w.content_hash) AS same"
    "  FROM approval a JOIN w USING (id) WHERE a.tenant_id = :tenant_id ORDER BY a.id FOR UPDATE OF a),"
    f" used AS (UPDATE approval a SET state = '{ApprovalState.USED}', used_at = :now FROM locked l"
    f"  WHERE a.tenant_id = :tenant_id AND a.id = l.id AND l.state = '{ApprovalState.GRANTED}' AND l.fresh"
    "   AND l.same RETURNING a.id)"
    " SELECT w.id, l.state, l.fresh, l.same, u.id IS NOT NULL AS redeemed"
    " FROM w LEFT JOIN locked l USING (id) LEFT JOIN used u USING (id)"
)

WITHDRAW = text(
    "WITH locked AS (SELECT a.id FROM approval a WHERE a.tenant_id = :tenant_id AND a.subject_kind = :subject_kind"
    f"  AND a.subject_id = ANY(CAST(:subject_ids AS uuid[])) AND a.{IS_OPEN}"
    "  ORDER BY a.id FOR UPDATE)"
    f" UPDATE approval a SET state = '{ApprovalState.WITHDRAWN}', decided_at = :now,"
    f" cause = CAST(:cause AS jsonb) FROM locked l WHERE a.tenant_id = :tenant_id AND a.id = l.id RETURNING {_COLUMNS}"
)

EXPIRE = text(
    f"WITH locked AS (SELECT a.id FROM approval a WHERE a.tenant_id = :tenant_id AND a.{IS_OPEN}"
    "  AND a.expires_at <= :now"
    "  AND (CAST(:subjects AS uuid[]) IS NULL OR a.subject_id = ANY(CAST(:subjects AS uuid[])))"
    "  ORDER BY a.expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
    f" UPDATE approval a SET state = '{ApprovalState.EXPIRED}' FROM locked l"
    f" WHERE a.tenant_id = :tenant_id AND a.id = l.id RETURNING {_COLUMNS}"
)

MARK_OVERDUE = text(
    "WITH locked AS (SELECT a.id FROM approval a WHERE a.tenant_id = :tenant_id"
    f"  AND a.state = '{ApprovalState.PENDING}'"
    "  AND NOT a.overdue AND a.due_at <= :now AND a.expires_at > :now ORDER BY a.id LIMIT :limit FOR UPDATE)"
    " UPDATE approval a SET overdue = true FROM locked l"
    f" WHERE a.tenant_id = :tenant_id AND a.id = l.id RETURNING {_COLUMNS}"
)

EXTEND = text(
    f"WITH locked AS (SELECT a.id FROM approval a WHERE a.tenant_id = :tenant_id AND a.{IS_OPEN}"
    "  AND a.expires_at > :since ORDER BY a.id FOR UPDATE)"
    " UPDATE approval a SET expires_at = a.expires_at + (CAST(:now AS timestamptz) - greatest(:since, a.created_at)),"
    "        due_at = CASE WHEN a.overdue OR a.due_at <= :since THEN a.due_at"
    "                 ELSE a.due_at + (CAST(:now AS timestamptz) - greatest(:since, a.created_at)) END"
    " FROM locked l WHERE a.tenant_id = :tenant_id AND a.id = l.id RETURNING a.id"
)


GRANTED = text(
    f"SELECT {_COLUMNS} FROM approval a WHERE a.tenant_id = :tenant_id AND a.subject_kind = :subject_kind"
    f" AND a.subject_id = ANY(CAST(:subject_ids AS uuid[])) AND a.state = '{ApprovalState.GRANTED}'"
)


async def run(
    session: AsyncSession, scope: Scope, statement: TextClause, parameters: Mapping[str, Any]
) -> Sequence[Row[Any]]:
    """Execute a row-returning statement within the scope's tenant."""
    return (await session.execute(statement, {"tenant_id": scope.tenant_id, **parameters})).all()


def to_approval(row: Row[Any]) -> Approval:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented access by name
    return Approval(
        **{
            **values,
            "state": ApprovalState.of(values["state"]),
            "content_hash": bytes(values["content_hash"]),
            "approvers": msgspec.convert(values["approvers"], tuple[Approvers, ...]),
            "votes": msgspec.convert(values["votes"], tuple[Vote, ...]),
        }
    )
