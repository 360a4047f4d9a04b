"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.models import AccessGrant
from tenants.states import AccessState
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    """A request for access that nobody has answered."""
    request = AccessGrant(
        **env.own, id=new_id(), member_id=new_id(), member_name=text, role="msp_operator", reason=text, hours=1,
        state=AccessState.REQUESTED, requested_at=utc_now(),
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        session.add(request)
