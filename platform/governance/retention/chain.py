"""Truncation of an audit chain from its beginning; the last deleted entry is kept as the anchor for verification."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.partition_drop import Partition
from foundation.database.partitions import SCHEMA
from foundation.ids import NewId
from foundation.retention import CHAIN
from governance.retention import repository
from governance.retention.repository import Case, Removal

_ALL: Final = 9_223_372_036_854_775_807
_SHORTEN: Final = text(f"""
    SELECT {SCHEMA}.shorten_chain(:t, :m, :floor, :before, :now, CAST(CAST(:paths AS text[]) AS regclass[]),
                                  CAST(CAST(:counted AS text[]) AS regclass[]))
""")


async def anchor_before_drop(
    session: AsyncSession, part: Partition, cases: Iterable[Case], *, end: datetime, now: datetime
) -> None:
    """Anchor each client's chain at its last entry before its floor; deletes such entries of the default partition."""
    for case in cases:
        await _shorten(session, case, paths=[part.default_path], counted=[part.path], before=end, now=now)


async def delete_beginning(session: AsyncSession, part: Partition, case: Case, *, now: datetime, new_id: NewId) -> int:
    """Delete a month from the start of a client's chain, in one transaction, so that the chain always verifies."""
    limits = case.rules.limits(case.data_class, now)
    if not limits:
        return 0
    before = limits[0].before if part.end is None else min(limits[0].before, part.end)
    paths = list(dict.fromkeys((part.path, part.default_path)))
    count = await _shorten(session, case, paths=paths, counted=[], before=before, now=now)
    if count:
        await repository.log_purge(session, case, Removal(CHAIN, before, count), now=now, new_id=new_id)
    return count


async def _shorten(  # noqa: PLR0913 - keyword-only parts of one step
    session: AsyncSession, case: Case, *, paths: Sequence[str], counted: Sequence[str], before: datetime, now: datetime
) -> int:
    """Anchor, then delete from `paths`; those in `counted` go with their partition. Returns the number deleted here."""
    floor = case.pins.floor if isinstance(case.pins.floor, int) else _ALL
    removed = await session.scalar(
        _SHORTEN,
        {
            "t": case.tenant_id, "m": case.msp_id, "floor": floor, "before": before, "now": now, "paths": list(paths),
            "counted": list(counted),
        },
    )  # fmt: skip
    return int(removed or 0)
