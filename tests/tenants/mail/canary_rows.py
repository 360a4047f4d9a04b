"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from tenants.mail.mail_types import TEST
from tenants.mail.mailer import Mailer, Portal, Recipient
from tests.support.client_env import ClientEnv

UNVISITED = {
    "/api/v1/mails/{mail_id:uuid}/text": "only installations that show mails instead of sending them have the text"
}


async def add_rows(env: ClientEnv, text: str) -> None:
    to, portal = Recipient(f"{text.lower()}@example.test", text, "en"), Portal("", None)
    async with env.services.db.transaction(env.scope) as session:
        await env.services.get(Mailer).queue(session, TEST, to, portal=portal, now=utc_now(), account="A", name=text)
