"""Key conflicts: while two records of a source claim one key, nothing is released for that key.

Otherwise the values of two products would alternate on one product of the channels, each change approved and
metered. Sources without record ids of their own identify records by the key alone and cannot conflict.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.keys import PRODUCT
from canonical.money import LARGEST
from connectors.translation.job_type import TRANSLATE, TranslateEvents, ingest_lane
from foundation.database.engine import scope_of
from foundation.ids import NewId
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.telemetry.correlation import current_correlation
from governance.elements.rows import Observed
from governance.exception_types import ExceptionType
from governance.exceptions.lifecycle import auto_resolve, open_exceptions
from governance.exceptions.rows import NewException
from governance.messages import exceptions as messages
from governance.records.claims import Claim, keys_of, load_claims, put_claims
from governance.records.validation import latest_version

_NAMED: Final = 5


class _Origin(NamedTuple):
    """A source's records of one type: ids and keys are unique among them."""

    connection_id: UUID
    record_type: str


async def hold_shared_keys(
    session: AsyncSession, observed: Sequence[Observed], *, now: datetime, new_id: NewId
) -> tuple[list[Observed], set[str]]:
    """Return the observations that may be decided, and the keys of products that are blocked.

    Opens an exception for each key that several records claim. When the conflict ends, the exception is resolved and
    the last message of the remaining record is ingested again.
    """
    shared: set[tuple[_Origin, str]] = set()
    keys: dict[tuple[_Origin, str], str] = {}
    for origin in sorted({_origin_of(o) for o in observed if o.observation.source_id}):
        named = [o for o in observed if _origin_of(o) == origin and o.observation.source_id]
        shared |= {(origin, key) for key in await _claim(session, origin, named, now, new_id)}
        known = await keys_of(
            session, origin.connection_id, {o.observation.source_id for o in named}, record_type=origin.record_type
        )
        keys |= {(origin, id_): key for id_, key in known.items()}
    alone = []
    for item in observed:
        origin, key = _origin_of(item), item.observation.record_key
        # Skip observations under a key that the record has lost since: that key now belongs to another record.
        if keys.get((origin, item.observation.source_id), key) == key and (origin, key) not in shared:
            alone.append(item)
    return alone, {key for origin, key in shared if origin.record_type == PRODUCT}


def _origin_of(item: Observed) -> _Origin:
    return _Origin(item.connection_id, item.observation.record_type)


def _highest(named: Sequence[Observed], now: datetime) -> int:
    return latest_version(now) if any(item.observation.version_is_ours for item in named) else LARGEST


async def _claim(
    session: AsyncSession, origin: _Origin, named: Sequence[Observed], now: datetime, new_id: NewId
) -> set[str]:
    connection_id, record_type = origin
    latest: dict[str, Claim] = {}
    for item in sorted(named, key=lambda item: item.observation.source_version):
        seen = item.observation
        latest[seen.source_id] = Claim(seen.source_id, seen.record_key, seen.source_version, item.source_event_id)
    keys = {claim.record_key for claim in latest.values()} | {item.observation.record_key for item in named}
    keys |= await put_claims(
        session, connection_id, list(latest.values()), latest=_highest(named, now), record_type=record_type
    )
    claims = await load_claims(session, connection_id, keys, record_type=record_type)
    shared = {key: found for key, found in claims.items() if len(found) > 1}
    arrived = {item.observation.record_key: item.correlation for item in named}
    exceptions = [_exception(origin, key, found, arrived.get(key, "")) for key, found in sorted(shared.items())]
    await open_exceptions(session, exceptions, now=now, new_id=new_id)
    ended = await _open_among(session, origin, keys - shared.keys())
    if ended:
        await auto_resolve(
            session, ExceptionType.SOURCE_DUPLICATE_KEY, [_subject(origin, key) for key in ended], now=now
        )
        now_read = {item.source_event_id for item in named}
        left = [claim for key in ended for claim in claims.get(key, ()) if claim.source_event_id not in now_read]
        enqueue(session, [_read_again(connection_id, claim) for claim in left])
    return set(shared)


def _read_again(connection_id: UUID, claim: Claim) -> NewJob[TranslateEvents]:
    lane, key = ingest_lane(connection_id), str(connection_id)
    return NewJob(lane, TRANSLATE, key, ref=claim.source_event_id, correlation=current_correlation())


async def _open_among(session: AsyncSession, origin: _Origin, keys: Iterable[str]) -> list[str]:
    rows = await session.execute(
        text("""
            SELECT record_key FROM governance_exception
             WHERE tenant_id = :t AND state = 'open' AND code = :code AND subject = ANY (:subjects) ORDER BY subject
        """),
        {
            "t": scope_of(session).tenant_id,
            "code": ExceptionType.SOURCE_DUPLICATE_KEY,
            "subjects": [_subject(origin, key) for key in keys],
        },
    )
    return list(rows.scalars())


def _subject(origin: _Origin, record_key: str) -> str:
    beside = "" if origin.record_type == PRODUCT else f":{origin.record_type}"
    return f"{origin.connection_id}:{record_key}{beside}"


def _exception(origin: _Origin, record_key: str, claims: Sequence[Claim], correlation: str) -> NewException:
    records, more = [claim.source_id for claim in claims[:_NAMED]], len(claims) - _NAMED
    message = (
        messages.SOURCE_DUPLICATE_KEYS.fill(records=records, count=more, record_key=record_key)
        if more > 0
        else messages.SOURCE_DUPLICATE_KEY.fill(records=records, record_key=record_key)
    )
    return NewException(
        code=ExceptionType.SOURCE_DUPLICATE_KEY,
        subject=_subject(origin, record_key),
        message=message,
        record_key=record_key,
        record_type=origin.record_type,
        connection_id=origin.connection_id,
        source_event_id=max(claims, key=lambda claim: claim.version).source_event_id,
        correlation=correlation,
    )
