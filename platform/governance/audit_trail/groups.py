"""Groups of audit entries: one group for all entries of a change, and one for the other entries of a request. A group
is sorted by its newest matching entry. A cursor has the last page's position and the newest entry of the first page: a
change that gets entries during paging is neither repeated nor lost on later pages.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import MalformedInput
from foundation.marks import N_
from foundation.relations import AUDIT_ENTRIES
from governance.audit_trail.filters import AuditConditions, AuditFilter, build_conditions
from governance.audit_trail.queries import SEARCHED_ROWS, to_entry
from governance.audit_trail.schemas import AuditEntryView, EntryGroup, GroupPage
from policy.relations import APPROVALS

PER_PAGE: Final = 25
SHOWN: Final = 100
"""Most entries of one group on the page; all of them are in the list of its subject."""
_CHUNK: Final = 400
_MOST_CHUNKS: Final = 50
_LARGEST: Final = 2**63 - 1
_PLACE: Final = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)
_CHANGE: Final = "change:"
Key = str | int


class _Place(msgspec.Struct, frozen=True):
    """Position in the list: entries below `below` are next; entries above `top` are newer than the first page."""

    below: int = _LARGEST
    top: int = _LARGEST


class _Found:
    """Groups of a page, in order. `key_of` is a change's subject or, elsewhere, the number of the first entry."""

    def __init__(self) -> None:
        self.groups: dict[Key, list[AuditEntryView]] = {}
        self._run: tuple[str, int] = ("", 0)

    def key_of(self, entry: AuditEntryView, changes: Mapping[str, str]) -> Key:
        if change := changes.get(entry.subject):
            return change
        if entry.correlation and entry.correlation == self._run[0] and len(self.groups[self._run[1]]) < SHOWN:
            return self._run[1]
        return entry.seq

    def add(self, key: Key, entry: AuditEntryView) -> None:
        self.groups.setdefault(key, []).append(entry)
        if isinstance(key, int):
            self._run = (entry.correlation, key)


async def list_groups(
    session: AsyncSession, *, wanted: AuditFilter, place: str = "", limit: int = PER_PAGE
) -> GroupPage:
    """List groups, newest first. Raises: InvalidInput, MalformedInput."""
    start = _parse(place)
    conditions = await build_conditions(session, wanted)
    found, below, top = _Found(), start.below, start.top
    for _ in range(_MOST_CHUNKS):
        entries = await _read(session, conditions, below=below, top=top)
        if not entries:
            return GroupPage(await _complete(session, found, top))
        top = min(top, entries[0].seq) if top == _LARGEST else top
        changes = await _changes_of(session, entries)
        before = await _shown_before(session, conditions, start, top, changes)
        for entry in entries:
            key = found.key_of(entry, changes)
            if key in before:
                continue
            if key not in found.groups and len(found.groups) == limit:
                return GroupPage(await _complete(session, found, top), f"{entry.seq + 1}-{top}")
            found.add(key, entry)
        below = entries[-1].seq
    return GroupPage(await _complete(session, found, top), f"{below}-{top}")


def _parse(place: str) -> _Place:
    if not place:
        return _Place()
    parts = _PLACE.fullmatch(place)
    if parts is None or max(int(parts[1]), int(parts[2])) > _LARGEST:
        raise MalformedInput(N_("“place” is not a position in this list. Start from the first page."), field="place")
    return _Place(int(parts[1]), int(parts[2]))


async def _read(
    session: AsyncSession, conditions: AuditConditions, *, below: int, top: int
) -> Sequence[AuditEntryView]:
    rows = await session.execute(
        text(f"""
            SELECT seq, at, action, subject, body
              FROM (SELECT * FROM {AUDIT_ENTRIES} a WHERE {conditions.among} AND seq < :below AND seq <= :top
                     ORDER BY seq DESC LIMIT :looked) e
             WHERE {conditions.fits}
             ORDER BY seq DESC LIMIT :chunk
        """),
        {**conditions.binds, "below": below, "top": top, "looked": SEARCHED_ROWS, "chunk": _CHUNK},
    )
    return [to_entry(row, row.seq) for row in rows]


async def _changes_of(session: AsyncSession, entries: Sequence[AuditEntryView]) -> Mapping[str, str]:
    """The change's subject of each entry's subject; approvals belong to their change."""
    found = {entry.subject: entry.subject for entry in entries if entry.subject.startswith(_CHANGE)}
    approvals = {entry.subject for entry in entries if entry.action.startswith("approval.")}
    if approvals:
        rows = await session.execute(
            text(f"""
                SELECT id, subject_id FROM {APPROVALS} a
                 WHERE tenant_id = :t AND id = ANY (:ids) AND subject_kind = 'change'
            """),
            {"t": scope_of(session).tenant_id, "ids": [id_ for each in approvals if (id_ := _uuid(each))]},
        )
        found |= {str(row.id): f"{_CHANGE}{row.subject_id}" for row in rows}
    return found


async def _shown_before(
    session: AsyncSession, conditions: AuditConditions, start: _Place, top: int, changes: Mapping[str, str]
) -> frozenset[Key]:
    """Changes on earlier pages, because a newer entry of theirs matches too."""
    if start.below == _LARGEST or not changes:
        return frozenset()
    subjects = await _subjects_of(session, set(changes.values()))
    rows = await session.scalars(
        text(f"""
            SELECT DISTINCT subject FROM {AUDIT_ENTRIES} e
             WHERE {conditions.among} AND subject = ANY (:grouped) AND seq >= :below AND seq <= :top
               AND {conditions.fits}
        """),
        {**conditions.binds, "grouped": list(subjects), "below": start.below, "top": top},
    )
    return frozenset(subjects[subject] for subject in rows)


async def _subjects_of(session: AsyncSession, changes: set[str]) -> dict[str, str]:
    """Subjects of these changes' entries, each with its change: the changes and their current approvals."""
    rows = await session.execute(
        text("SELECT id, approval_id FROM change WHERE tenant_id = :t AND id = ANY (:ids) AND approval_id IS NOT NULL"),
        {
            "t": scope_of(session).tenant_id,
            "ids": [id_ for each in changes if (id_ := _uuid(each.removeprefix(_CHANGE)))],
        },
    )
    return {each: each for each in changes} | {str(row.approval_id): f"{_CHANGE}{row.id}" for row in rows}


async def _complete(session: AsyncSession, found: _Found, top: int) -> Sequence[EntryGroup]:
    """The groups with all entries of their changes, also those that do not match the filter."""
    subjects = await _subjects_of(session, {key for key in found.groups if isinstance(key, str)})
    whole = {key: {entry.seq: entry for entry in entries} for key, entries in found.groups.items()}
    if subjects:
        rows = await session.execute(
            text(f"""
                SELECT seq, at, action, subject, body FROM {AUDIT_ENTRIES} a
                 WHERE tenant_id = :t AND subject = ANY (:subjects) AND seq <= :top
            """),
            {"t": scope_of(session).tenant_id, "subjects": list(subjects), "top": top},
        )
        for row in rows:
            whole[subjects[row.subject]][row.seq] = to_entry(row, row.seq)
    return [_group(key, entries) for key, entries in whole.items()]


def _group(key: Key, entries: Mapping[int, AuditEntryView]) -> EntryGroup:
    newest_first = [entries[seq] for seq in sorted(entries, reverse=True)]
    return EntryGroup(newest_first[:SHOWN], len(newest_first), key if isinstance(key, str) else "")


def _uuid(text_: str) -> UUID | None:
    try:
        return UUID(text_)
    except ValueError:
        return None
