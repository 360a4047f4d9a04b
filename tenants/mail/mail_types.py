"""Kinds of mails, each declared once with its texts, from which the plain and the HTML part are made."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from foundation.decoding import decode_json
from foundation.i18n.messages import placeholders_of
from foundation.marks import N_

TIMES: Final = frozenset({"until", "at"})
"""Parameters that are instants; the others are texts."""
LINK: Final = "link"
ENTRIES: Final = "entries"
"""A parameter that is a list: `write_entries` makes it."""


class MailType(msgspec.Struct, frozen=True, kw_only=True):
    """`subject`, `lines` and `closing` are English texts with placeholders. `lines` come before the button with the
    label `action`, which opens the parameter `link`; `closing` comes after it. With `is_list`, the parameter `entries`
    follows the lines. `is_of_msp`: the MSP's own mail to a client, which never has the client's parts of the brand.
    """

    code: str
    title: str
    subject: str
    lines: tuple[str, ...]
    action: str = ""
    closing: tuple[str, ...] = ()
    is_list: bool = False
    is_of_msp: bool = False

    @property
    def params(self) -> frozenset[str]:
        texts = (self.subject, *self.lines, *self.closing)
        found = frozenset(name for text in texts for name in placeholders_of(text))
        return found | ({LINK} if self.action else frozenset()) | ({ENTRIES} if self.is_list else frozenset())


class Entry(msgspec.Struct, frozen=True):
    """A sentence in a mail, with the page that it leads to."""

    text: str
    link: str


def write_entries(entries: Sequence[Entry]) -> str:
    """Encode entries as a parameter of a mail."""
    return msgspec.json.encode(entries).decode()


def read_entries(written: str) -> list[Entry]:
    return decode_json(written, type=list[Entry])


_NOT_YOU: Final = N_("If this was not you, tell your administrator now, or write to us: {support}")
INVITATION: Final = MailType(
    code="invitation",
    title=N_("Invitation"),
    subject=N_("Your access to {account}"),
    lines=(N_("You are invited to {account}. Open the link and choose a password. It works once, until {until}."),),
    action=N_("Choose a password"),
    closing=(N_("If you do not expect this invitation, ignore this mail."),),
)
PASSWORD_RESET: Final = MailType(
    code="password_reset",
    title=N_("Link for a new password"),
    subject=N_("Choose a new password for {account}"),
    lines=(N_("You can choose a new password for {account}. The link works once, until {until}."),),
    action=N_("Choose a password"),
    closing=(N_("If you have not asked for it, ignore this mail: your password stays as it is."),),
)
PASSWORD_CHANGED: Final = MailType(
    code="password_changed",
    title=N_("Password changed"),
    subject=N_("Your password was changed"),
    lines=(N_("Your password was changed on {at}. Your sessions in other browsers were ended."),),
    closing=(_NOT_YOU,),
)
APP_SET_UP: Final = MailType(
    code="second_factor_set_up",
    title=N_("Authenticator app set up"),
    subject=N_("Authenticator app set up"),
    lines=(N_("An authenticator app was set up for your sign-in on {at}."),),
    closing=(_NOT_YOU,),
)
APP_REMOVED: Final = MailType(
    code="second_factor_removed",
    title=N_("Second factor removed"),
    subject=N_("Second factor removed"),
    lines=(N_("The second factor of your sign-in was removed on {at} by {name}."),),
    closing=(_NOT_YOU,),
)
RECOVERY_USED: Final = MailType(
    code="recovery_code_used",
    title=N_("Recovery code used"),
    subject=N_("Recovery code used"),
    lines=(N_("A recovery code was used to sign you in on {at}. It does not work again."),),
    closing=(_NOT_YOU,),
)
PASSKEY_ADDED: Final = MailType(
    code="passkey_added",
    title=N_("Passkey added"),
    subject=N_("Passkey added"),
    lines=(N_("The passkey {name} was added to your sign-in on {at}."),),
    closing=(_NOT_YOU,),
)
PASSKEY_REMOVED: Final = MailType(
    code="passkey_removed",
    title=N_("Passkey removed"),
    subject=N_("Passkey removed"),
    lines=(N_("The passkey {name} was removed from your sign-in on {at}."),),
    closing=(_NOT_YOU,),
)
TEST: Final = MailType(
    code="test",
    title=N_("Test mail"),
    subject=N_("Test mail of {account}"),
    lines=(N_("This mail shows that {account} can send mails. It was requested by {name}."),),
)
_AFTER_SIGN_IN: Final = N_(
    "Pages open after you have signed in. Choose which notifications you get, and when, in the settings of your "
    "notifications."
)
NOTICE: Final = MailType(
    code="notice",
    title=N_("Notification"),
    subject=N_("{account}: {notice}"),
    lines=(N_("{notice}."), N_("{account}, {at}")),
    action=N_("Open the page"),
    closing=(_AFTER_SIGN_IN,),
)
NOTICE_SUMMARY: Final = MailType(
    code="notice_summary",
    title=N_("Summary of notifications"),
    subject=N_("{account}: {number} notifications"),
    lines=(N_("This happened:"),),
    action=N_("Open the notifications"),
    closing=(_AFTER_SIGN_IN,),
    is_list=True,
)
INVOICE: Final = MailType(
    code="invoice",
    title=N_("Invoice"),
    subject=N_("Invoice {number} of {account}"),
    lines=(N_("The invoice {number} of {account} for {amount} is attached. It is due on {due}."),),
    closing=(N_("If you have a question about it, write to us: {support}"),),
    is_of_msp=True,
)
CREDIT_NOTE: Final = MailType(
    code="credit_note",
    title=N_("Credit note"),
    subject=N_("Credit note {number} of {account}"),
    lines=(
        N_("The credit note {number} of {account} for {amount} is attached."),
        N_("The amount is set off against later invoices, or paid back."),
    ),
    closing=(N_("If you have a question about it, write to us: {support}"),),
    is_of_msp=True,
)
INVOICE_REMINDER: Final = MailType(
    code="invoice_reminder",
    title=N_("Reminder of an invoice"),
    subject=N_("Reminder: invoice {number} of {account}"),
    lines=(
        N_("The invoice {number} of {account} was due on {due}. {amount} is still unpaid. The invoice is attached."),
    ),
    closing=(N_("If you have paid meanwhile, ignore this mail. If not, or if you have a question: {support}"),),
    is_of_msp=True,
)

_ALL: Final = (
    INVITATION,
    PASSWORD_RESET,
    PASSWORD_CHANGED,
    APP_SET_UP,
    APP_REMOVED,
    RECOVERY_USED,
    PASSKEY_ADDED,
    PASSKEY_REMOVED,
    TEST,
    NOTICE,
    NOTICE_SUMMARY,
    INVOICE,
    CREDIT_NOTE,
    INVOICE_REMINDER,
)
MAIL_TYPES: Final[Mapping[str, MailType]] = {one.code: one for one in _ALL}
"""All kinds, by code."""
