"""Bodies of the API of notifications."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from foundation.web.requests import RequestBody

SeverityCode = Literal["info", "warning", "critical"]
MailModeCode = Literal["off", "at_once", "hourly", "daily"]
CLOCK: Final = "(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?"
ClockTime = Annotated[str, msgspec.Meta(pattern=f"^{CLOCK}$")]
"""Hours and minutes, such as 07:30, or an empty text."""


class NotificationView(msgspec.Struct, frozen=True):
    """A notification of the caller. `number` counts causes that are not read; `href` is the page that shows them."""

    id: UUID
    kind: str
    severity: str
    text: str
    account: str
    number: int
    href: str
    happened_at: datetime
    read_at: datetime | None


class NotificationSettings(RequestBody, frozen=True):
    """A member's settings for each channel. In the app: all kinds but the `muted`. By mail: by the mode `mail`, or
    `mail_kinds` for single kinds. To the account's webhooks: `webhook_kinds`. Each channel has its least severity.

    From `quiet_from` to `quiet_until` by the member's clock, mails and webhooks wait, and the bell does not count; with
    `critical_passes`, critical ones are not held back. `digest_at` is the time of the daily summary.
    """

    muted: list[str]
    least_severity: SeverityCode = "info"
    mail: MailModeCode = "off"
    mail_kinds: dict[str, MailModeCode] = msgspec.field(default_factory=dict)
    mail_least_severity: SeverityCode = "info"
    webhook_kinds: list[str] = msgspec.field(default_factory=list)
    webhook_least_severity: SeverityCode = "info"
    quiet_from: ClockTime = ""
    quiet_until: ClockTime = ""
    critical_passes: bool = False
    digest_at: ClockTime = "07:00"


class ReadView(msgspec.Struct, frozen=True):
    """Number of notifications marked as read."""

    read: int


class KindView(msgspec.Struct, frozen=True):
    """A kind with its channels. `mail` is null where the kind has no setting of its own."""

    code: str
    label: str
    severity: str
    muted: bool
    mail: str | None
    webhook: bool


class SettingsView(msgspec.Struct, frozen=True):
    """As `NotificationSettings`, with all kinds. `follows_account`: the member has chosen none, so these are the
    account's.
    """

    least_severity: str
    mail: str
    mail_kinds: Mapping[str, str]
    mail_least_severity: str
    webhook_least_severity: str
    quiet_from: str
    quiet_until: str
    critical_passes: bool
    digest_at: str
    kinds: Sequence[KindView]
    follows_account: bool


class DefaultsView(msgspec.Struct, frozen=True):
    """The settings of members who have chosen none. `is_set`: the account has set them; otherwise they are those of the
    product: everything in the app, and no mails.
    """

    is_set: bool
    least_severity: str
    mail: str
    mail_kinds: Mapping[str, str]
    mail_least_severity: str
    webhook_least_severity: str
    quiet_from: str
    quiet_until: str
    critical_passes: bool
    digest_at: str
    kinds: Sequence[KindView]
