"""Number of a client's changes in the last 24 hours, from the stored counts of complete hours."""

from datetime import UTC, datetime, timedelta
from typing import Final

from foundation.ids import id_floor

MOST_AN_HOUR: Final = 10_000
"""Most changes of one hour that are counted."""
HOURS_KEPT: Final = 25
"""Complete hours that are counted for each client: one more than a day has."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(hours=24)
_ID_FLOOR: Final = """CAST(lpad(to_hex(CAST(extract(epoch FROM h.counted_until) * 1000 AS bigint)), 12, '0')
                          || repeat('0', 20) AS uuid)"""
"""SQL: `id_floor` of `counted_until`."""
_HOURS_SINCE: Final = "CAST(extract(epoch FROM h.counted_until - :whole) / 3600 AS integer)"


def count_day(tenant: str) -> str:
    """As SQL, a value: the number of changes since :floor, up to :many. Rows are read only of the two or three hours
    without a stored count; of the whole day if an hour reached MOST_AN_HOUR or the counts are behind.
    Binds: `day_binds`, and :many.
    """
    rows = f"SELECT 1 FROM change n WHERE n.tenant_id = {tenant}"
    return f"""(
        SELECT least(:many, k.changes
                 + (SELECT count(*) FROM ({rows} AND n.id >= :floor AND n.id < :whole_floor LIMIT :many) m)
                 + (SELECT count(*) FROM ({rows} AND n.id >= k.until LIMIT :many) m))
          FROM (SELECT coalesce(i.until, :whole_floor) AS until, coalesce(i.changes, 0) AS changes
                  FROM (VALUES (1)) AS one
                  LEFT JOIN (SELECT {_ID_FLOOR} AS until,
                                    (SELECT sum(d.number)
                                       FROM unnest(h.counts[{HOURS_KEPT + 1} - {_HOURS_SINCE} :]) AS d (number))
                                        AS changes
                               FROM change_hours h
                              WHERE h.tenant_id = {tenant} AND h.counted_until > :whole
                                AND h.counted_until <= CAST(:whole AS timestamptz) + interval '{HOURS_KEPT} hours'
                                AND {MOST_AN_HOUR} > ALL (h.counts)) i ON true
                OFFSET 0) k)"""


def day_binds(now: datetime) -> dict[str, object]:
    since = now - _DAY
    whole = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + _HOUR
    return {"floor": id_floor(since), "whole": whole, "whole_floor": id_floor(whole)}
