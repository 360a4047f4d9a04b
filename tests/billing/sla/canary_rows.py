"""Rows of this slice for the canary: none of them may reach another tenant."""

from decimal import Decimal

from billing.sla.models import SlaCredit
from billing.sla.states import SlaState
from foundation.clock import utc_now
from foundation.ids import new_id
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    now = utc_now()
    async with env.services.db.transaction(env.scope) as session:
        session.add(
            SlaCredit(
                tenant_id=env.scope.tenant_id, msp_id=env.scope.msp_id, id=new_id(), month=now.date().replace(day=1),
                deliveries=1, late=1, breaches=[], attained_pct=Decimal(0), target_pct=Decimal(99),
                credit_pct=Decimal(5), state=SlaState.PROPOSED, measured_at=now, reason=text,
            )
        )  # fmt: skip
