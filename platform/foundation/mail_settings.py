"""Settings of an installation's outgoing mail."""

from collections.abc import Callable
from typing import Final

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_

SMTP_HOST: Final = "FAIRLEAD_SMTP_HOST"
SMTP_TLS: Final = "FAIRLEAD_SMTP_TLS"
SMTP_USER: Final = "FAIRLEAD_SMTP_USER"
SMTP_PASSWORD: Final = "FAIRLEAD_SMTP_PASSWORD"  # noqa: S105 - the setting's name
MAIL_FROM: Final = "FAIRLEAD_MAIL_FROM"
MAILBOX: Final = "FAIRLEAD_MAILBOX"
DEFAULT_PORT: Final = 587
_LONGEST_HOST: Final = 253


class SmtpTls(LabelledCode):
    """Encryption of the connection to a mail server."""

    STARTTLS = "starttls", N_("STARTTLS (usual on port 587)")
    TLS = "tls", N_("TLS from the start (usual on port 465)")
    NONE = "none", N_("Not encrypted (only for servers on this network)")


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that takes mails for delivery. Without a user name it is used without authentication."""

    host: str
    port: int = DEFAULT_PORT
    tls: SmtpTls = SmtpTls.STARTTLS
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port})"


class MailSettings(msgspec.Struct, frozen=True):
    """Mail settings of an installation. `from_address` replaces the brand's address in mails sent by `server`. With
    `mailbox`, mails for which there is no server are shown to the administrators of the MSP.
    """

    server: SmtpServer | None = None
    from_address: str = ""
    mailbox: bool = False

    @property
    def is_certain(self) -> bool:
        """Whether every MSP's mails are sent or shown, without a server of its own."""
        return self.server is not None or self.mailbox


def read_mail_settings(plain: Callable[[str], str], password: str) -> MailSettings:
    """Read the settings; `plain` returns the text of one.

    Raises:
        ValueError: names the setting that is not valid.
    """
    mailbox = plain(MAILBOX).strip().lower()
    if mailbox not in {"", "on", "off"}:
        raise ValueError(f"{MAILBOX} is neither on nor off.")
    from_address = plain(MAIL_FROM).strip()
    if from_address and (from_address.count("@") != 1 or from_address.split() != [from_address]):
        raise ValueError(f"{MAIL_FROM} is no e-mail address. Write it as mail@example.com.")
    return MailSettings(_server(plain, password), from_address, mailbox == "on")


def _server(plain: Callable[[str], str], password: str) -> SmtpServer | None:
    place = plain(SMTP_HOST).strip()
    if not place:
        return None
    host, _, port = place.partition(":")
    if not host or len(host) > _LONGEST_HOST or host.split() != [host]:
        raise ValueError(f"{SMTP_HOST} is no host name. Write it as mail.example.com:{DEFAULT_PORT}.")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 6 and 1 <= int(port) <= 65535):
        raise ValueError(f"{SMTP_HOST} names a port that is not a number from 1 to 65535.")
    tls = plain(SMTP_TLS).strip() or SmtpTls.STARTTLS
    if tls not in list(SmtpTls):
        raise ValueError(f"{SMTP_TLS} is none of {', '.join(SmtpTls)}.")
    user = plain(SMTP_USER).strip()
    return SmtpServer(
        host=host, port=int(port) if port else DEFAULT_PORT, tls=SmtpTls.of(tls), username=user, password=password
    )


def mail_environment(mail: MailSettings) -> dict[str, str]:
    """The environment that `read_mail_settings` turns into `mail`."""
    given = {MAIL_FROM: mail.from_address, MAILBOX: "on" if mail.mailbox else ""}
    if mail.server is not None:
        given |= {
            SMTP_HOST: f"{mail.server.host}:{mail.server.port}", SMTP_TLS: mail.server.tls.value,
            SMTP_USER: mail.server.username, SMTP_PASSWORD: mail.server.password,
        }  # fmt: skip
    return {name: value for name, value in given.items() if value}
