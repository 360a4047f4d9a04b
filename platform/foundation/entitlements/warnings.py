"""Warnings of usage that nears or reaches an entitlement's limit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.entitlements.features import Feature, Features


class NearLimit(msgspec.Struct, frozen=True):
    """A feature whose number `used` has reached the warning threshold. `limit` is the hard limit, or the threshold if
    there is none.
    """

    feature: Feature
    used: int
    limit: int


async def take_near_limits(session: AsyncSession, features: Features, now: datetime) -> Sequence[NearLimit]:
    """Features whose number reached the soft limit, or without one the hard limit, since the last call. Each is
    returned once, until the number falls below or the limit is removed. Requires the client's scope.
    """
    tenant_id = scope_of(session).tenant_id
    found: list[NearLimit] = []
    for row in (await session.execute(_LIMITED, {"t": tenant_id})).all():
        feature = features.get(row.feature)
        if feature is None or not feature.count:
            continue
        used = int(await session.scalar(text(feature.count), {"t": tenant_id, "now": now}) or 0)
        is_near = row.warning is not None and used >= max(1, row.warning)
        if is_near and row.noticed_at is None:
            found.append(NearLimit(feature, used, row.warning if row.hard_limit is None else row.hard_limit))
        if is_near != (row.noticed_at is not None):
            keys = {"t": tenant_id, "feature": feature.code, "at": now if is_near else None}
            await session.execute(_NOTICED, keys)
    return found


_LIMITED: Final = text("""
    SELECT feature, CASE WHEN is_on THEN coalesce(soft_limit, hard_limit) END AS warning, hard_limit, noticed_at
      FROM entitlement WHERE tenant_id = :t
       AND (is_on AND coalesce(soft_limit, hard_limit) IS NOT NULL OR noticed_at IS NOT NULL) ORDER BY feature
""")
_NOTICED: Final = text("UPDATE entitlement SET noticed_at = :at WHERE tenant_id = :t AND feature = :feature")
