"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from tenants.mail.mail_types import TEST
from tenants.mail.mailer import Mailer, Portal, Recipient
from tenants.mail.states import MailState
from tests.support.list_rows import ListSample, Matches, Rows


async def add_mail(rows: Rows, number: int) -> Matches:
    mailer, to = rows.env.services.get(Mailer), Recipient(f"{rows.tag.lower()}{number:03}@example.com", "Mia", "en")
    async with rows.db.transaction(rows.env.scope) as session:
        await mailer.queue(
            session, TEST, to, portal=Portal("", None), now=utc_now(), account="A", name=rows.name(number)
        )
    return {"search": [to.email.upper()], "status": [MailState.QUEUED]}


SAMPLES: dict[str, ListSample] = {"mails": add_mail}
