"""Rows of this slice for the canary: none of them may reach another tenant."""

from branding.client_brands import set_parts
from branding.client_parts import parse_parts
from foundation.clock import utc_now
from tests.support.client_env import ClientEnv

UNVISITED = {
    "/clients/{client:str}/brand/preview.css": "the preview's style sheet, of the tokens in the query",
}


async def add_rows(env: ClientEnv, text: str) -> None:
    """A client's name and sender of mails."""
    async with env.services.db.transaction(env.scope) as session:
        await set_parts(session, parse_parts({"name": text, "sender_name": text}), now=utc_now())
