"""Rows of this slice for the canary: none of them may reach another tenant."""

import msgspec

from foundation.clock import utc_now
from foundation.i18n.messages import TEXT
from foundation.ids import new_id
from foundation.jobs.models import DeadLetter
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    now = utc_now()
    letter = DeadLetter(
        **env.own,
        id=new_id(),
        lane="x",
        kind=text,
        key=text,
        attempts=1,
        error=msgspec.to_builtins(TEXT.fill(text=text)),
        enqueued_at=now,
        died_at=now,
    )
    async with env.services.db.transaction(env.scope) as session:
        session.add(letter)
