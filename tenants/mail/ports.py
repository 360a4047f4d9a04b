"""Port of outgoing mail."""

from email.message import EmailMessage
from typing import Protocol

from foundation.i18n.messages import MessageText
from foundation.mail_settings import SmtpServer


class MailNotSent(Exception):
    """The mail was not sent, for `reason`. A `permanent` refusal is of the mail, not of the attempt: no retry."""

    def __init__(self, reason: MessageText, *, permanent: bool = False) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.permanent = permanent


class MailTransport(Protocol):
    async def send(
        self, server: SmtpServer, message: EmailMessage, *, sender: str, recipient: str, guarded: bool
    ) -> None:
        """Hand the message to the server. `guarded`: an MSP chose the server, so it must not be a private address.

        Raises:
            MailNotSent: the server has not taken it.
        """
