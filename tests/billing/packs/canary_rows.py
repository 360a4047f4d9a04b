"""Rows of this slice for the canary: none of them may reach another tenant."""

from datetime import date
from decimal import Decimal

from billing.packs.models import UnitPack
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    pack = UnitPack(
        **env.own, id=new_id(), name=text, meter="sync.verified", units=Decimal(5), price_minor=1, currency="EUR",
        first_month=date(2026, 3, 1), last_month=None, priority=100, rollover_units=Decimal(0), low_units=Decimal(0),
        rolled_from=None, reason=text, sold_month=date(2026, 3, 1), sold_at=utc_now(), sold_by=text,
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        session.add(pack)
