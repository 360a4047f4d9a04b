"""Filter of the audit trail, and its SQL."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.actor_labels import ACTOR_LABELS
from foundation.audit.actions import AuditKind
from foundation.database.engine import scope_of
from foundation.i18n.localizer import translate

ALL: Final = ""
_MOST_CHANGES: Final = 500
_EARLIER: Final = re.compile(r"^member\b")  # entries are never rewritten, so the earlier term remains in them
_EARLIER_NOUNS: Final = {AuditKind.ACCESS: ["person", "role", "invitation", "session"]}
"""Nouns that no action has today; entries of earlier releases keep theirs. `person` is now `member`."""


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Filter of audit entries; empty fields match any.

    `nouns` are those of a kind's actions. `action` is an action such as "change.released", or the first part of one.
    `actor` is a part of the actor's name. `subject` is an exact subject such as "change:<id>"; `about` is a record key
    or a subject. `since` and `until` are days in UTC, both included. A member's entries include those written as
    `person`.
    """

    nouns: Sequence[str] = ()
    action: str = ALL
    actor: str = ALL
    subject: str = ALL
    about: str = ALL
    since: date | None = None
    until: date | None = None


def audit_filter(values: Mapping[str, str], nouns: Mapping[AuditKind, Sequence[str]]) -> AuditFilter:
    """The filter of a checked query. `nouns` are those of each kind's actions."""
    kind = AuditKind.of(values["kind"]) if values["kind"] else None
    return AuditFilter(
        nouns=[] if kind is None else [*nouns[kind], *_EARLIER_NOUNS.get(kind, [])],
        action=values["action"],
        actor=values["actor"],
        subject=values["subject"],
        about=values["about"],
        since=date.fromisoformat(values["since"]) if values["since"] else None,
        until=date.fromisoformat(values["until"]) if values["until"] else None,
    )


class AuditConditions(msgspec.Struct, frozen=True):
    """SQL of a filter. `among` uses indexes; `fits` is evaluated for each of a bounded number of candidates."""

    among: str
    fits: str
    binds: dict[str, Any]


async def build_conditions(session: AsyncSession, wanted: AuditFilter) -> AuditConditions:
    """SQL of the filter on `audit_entry`. Unused filters are left out, for the query planner."""
    among, fits, binds = ["tenant_id = :t"], ["true"], dict[str, Any](t=scope_of(session).tenant_id)
    if wanted.subject:
        among.append("subject = ANY (:subject)")
        binds["subject"] = [wanted.subject, _EARLIER.sub("person", wanted.subject)]
    if about := wanted.about.strip():
        among.append("subject = ANY (:subjects)")
        binds["subjects"] = await _subjects_about(session, about)
    if wanted.since is not None:
        among.append("at >= :since")
        binds["since"] = datetime(wanted.since.year, wanted.since.month, wanted.since.day, tzinfo=UTC)
    if wanted.until is not None and wanted.until < date.max:
        last = wanted.until + timedelta(days=1)
        among.append("at < :until")
        binds["until"] = datetime(last.year, last.month, last.day, tzinfo=UTC)
    if wanted.nouns:
        fits.append("split_part(action, '.', 1) = ANY (:nouns)")
        binds["nouns"] = list(wanted.nouns)
    if action := wanted.action.strip().lower():
        fits.append("EXISTS (SELECT 1 FROM unnest(CAST(:actions AS varchar[])) AS w (action)"
                    " WHERE e.action = w.action OR starts_with(e.action, w.action || '.'))")  # fmt: skip
        binds["actions"] = [action, _EARLIER.sub("person", action)]
    if actor := wanted.actor.strip().lower():
        fits.append("(strpos(lower(body::json #>> '{actor,name}'), :actor) > 0"
                    " OR body::json #>> '{actor,name}' = ANY (:actors))")  # fmt: skip
        binds["actor"] = actor
        binds["actors"] = [
            name for name, label in ACTOR_LABELS.items() if actor in label.lower() or actor in translate(label).lower()
        ]
    return AuditConditions(" AND ".join(among), " AND ".join(fits), binds)


async def _subjects_about(session: AsyncSession, about: str) -> list[str]:
    """Subjects of a record's entries: the record, and its newest changes with their approvals."""
    rows = await session.execute(
        text("""
            SELECT id, approval_id FROM change WHERE tenant_id = :t AND record_key = :key ORDER BY id DESC LIMIT :most
        """),
        {"t": scope_of(session).tenant_id, "key": about, "most": _MOST_CHANGES},
    )
    found = [about, f"record:{about}"]
    for row in rows:
        found.append(f"change:{row.id}")
        if row.approval_id is not None:
            found.append(str(row.approval_id))
    return found
