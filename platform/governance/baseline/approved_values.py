"""Approved values that the preview of a baseline needs beside those read."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from governance.baseline.rows import ReadRequest
from governance.changes.month_values import load_month_values
from governance.records.repository import load_values
from policy.index import PolicyIndex


async def add_approved_values(
    session: AsyncSession, index: PolicyIndex, wanted: Sequence[ReadRequest], now: datetime
) -> Sequence[ReadRequest]:
    """Return the requests with the approved value and that at the start of the month, where rules name the month."""
    months = await load_month_values(session, index, [want.key for want in wanted], now)
    if not months:
        return wanted
    known = await load_values(session, months, lock=False)
    return [
        want if want.key not in months
        else msgspec.structs.replace(want, approved=known[want.key].value, month=months[want.key])
        for want in wanted
    ]  # fmt: skip
