"""Rows of this slice for the canary: none of them may reach another tenant."""

from datetime import timedelta

from canonical.keys import ElementKey
from foundation.clock import utc_now
from foundation.ids import new_id
from governance.elements.publish_contract import publish_contract
from governance.proposals.schedule import schedule_proposal
from tests.support.client_env import ClientEnv
from tests.support.values import minor


async def add_rows(env: ClientEnv, text: str) -> None:
    """A scheduled value of an element that people set."""
    now = utc_now()
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element="price.sale", source_connection_id=None, owner=text, now=now,
            propagation_slo=timedelta(seconds=30), correction_slo=timedelta(hours=4),
        )  # fmt: skip
        await schedule_proposal(
            session, key=ElementKey(f"{text}-later", "price.sale"), value=minor(1_999), note=text,
            effective_at=now + timedelta(days=30), now=now, new_id=new_id,
        )  # fmt: skip
