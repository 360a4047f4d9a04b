"""A member's settings for one kind of notification, and their stored form."""

from datetime import datetime, time
from typing import Final
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.i18n.catalogues import SOURCE_LANGUAGE
from foundation.i18n.negotiation import localizer_of
from foundation.marks import N_
from tenants.mail.mailer import Portal
from tenants.models import NotificationChoice
from tenants.notifications.kinds import NoticeSeverity, NotificationKind
from tenants.notifications.schemas import MailModeCode, NotificationSettings, SeverityCode
from tenants.notifications.timing import MailMode, MailTimes, QuietHours, after_quiet_hours, next_mail_at

NOTHING_SET: Final = NotificationSettings([])
DAILY_AT: Final = "07:00"


class NoticeChannel(LabelledCode):
    """A channel outside the app."""

    MAIL = "mail", N_("Mail")
    WEBHOOK = "webhook", N_("Webhook")


class StoredDelivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """The column `delivery`: the settings besides those of the app, and the portal where the member made them, which
    links in mails lead to. Fields of another release are ignored.
    """

    mail: MailModeCode = "off"
    mail_kinds: dict[str, MailModeCode] = msgspec.field(default_factory=dict)
    mail_least_severity: SeverityCode = "info"
    webhook_kinds: list[str] = msgspec.field(default_factory=list)
    webhook_least_severity: SeverityCode = "info"
    quiet_from: str = ""
    quiet_until: str = ""
    critical_passes: bool = False
    digest_at: str = DAILY_AT
    origin: str = ""
    brand_id: UUID | None = None

    @property
    def portal(self) -> Portal:
        return Portal(self.origin, self.brand_id)


_OF_DELIVERY: Final = frozenset(NotificationSettings.__struct_fields__) & frozenset(StoredDelivery.__struct_fields__)


def to_stored(chosen: NotificationSettings, portal: Portal) -> StoredDelivery:
    given = {name: value for name, value in msgspec.structs.asdict(chosen).items() if name in _OF_DELIVERY}
    return StoredDelivery(**given, origin=portal.origin, brand_id=portal.brand_id)


def stored_delivery(row: NotificationChoice | None) -> StoredDelivery:
    return msgspec.convert(row.delivery, StoredDelivery) if row is not None else StoredDelivery()


def settings_of(row: NotificationChoice | None) -> NotificationSettings:
    if row is None:
        return NOTHING_SET
    stored = msgspec.structs.asdict(stored_delivery(row))
    given = {name: stored[name] for name in _OF_DELIVERY}
    return NotificationSettings(list(row.muted), row.least_severity, **given)  # type: ignore[arg-type]


def wants_in_app(chosen: NotificationSettings, kind: NotificationKind) -> bool:
    return kind.code not in chosen.muted and _is_severe_enough(kind, chosen.least_severity)


def mail_mode(chosen: NotificationSettings, kind: NotificationKind) -> MailMode:
    if not _is_severe_enough(kind, chosen.mail_least_severity):
        return MailMode.OFF
    return MailMode.of(chosen.mail_kinds.get(kind.code, chosen.mail))


def wants_webhook(chosen: NotificationSettings, kind: NotificationKind) -> bool:
    return kind.code in chosen.webhook_kinds and _is_severe_enough(kind, chosen.webhook_least_severity)


def mail_due_at(
    chosen: NotificationSettings, kind: NotificationKind, *, zone: str, now: datetime, last: datetime | None
) -> datetime:
    """The time at which a mail is due. `last` is the time of the member's latest mail about the same subject. The mode
    must not be off.
    """
    return next_mail_at(now, mail_mode(chosen, kind), _times(chosen, zone), passes=_passes(chosen, kind), last=last)


def delivery_time(chosen: NotificationSettings, kind: NotificationKind, *, zone: str, now: datetime) -> datetime:
    """The time from which the bell counts a notification, and at which webhooks carry it: `now`, or the end of the
    quiet hours.
    """
    return now if _passes(chosen, kind) else after_quiet_hours(now, _times(chosen, zone))


def _times(chosen: NotificationSettings, zone: str) -> MailTimes:
    begins, ends = chosen.quiet_from, chosen.quiet_until
    quiet = QuietHours(time.fromisoformat(begins), time.fromisoformat(ends)) if begins and ends else None
    return MailTimes(localizer_of(SOURCE_LANGUAGE, zone).zone, time.fromisoformat(chosen.digest_at or DAILY_AT), quiet)


def _passes(chosen: NotificationSettings, kind: NotificationKind) -> bool:
    """Whether quiet hours do not hold this kind back."""
    return chosen.critical_passes and kind.severity is NoticeSeverity.CRITICAL


def _is_severe_enough(kind: NotificationKind, least: str) -> bool:
    return kind.severity.rank >= NoticeSeverity.of(least).rank
