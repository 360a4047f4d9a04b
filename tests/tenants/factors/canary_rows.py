"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.factors.models import Passkey
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    passkey = Passkey(
        **env.own, id=new_id(), member_id=new_id(), name=text, credential_id=b"x", public_key=b"x", sign_count=0,
        rp_id="x", created_at=utc_now(),
    )  # fmt: skip
    async with env.services.db.transaction(env.scope) as session:
        session.add(passkey)
