"""Checks of chosen notifications, of a member or for an account."""

import re

from foundation.errors import InvalidInput
from foundation.marks import N_
from tenants.notifications.kinds import NoticeSeverity, known_kinds
from tenants.notifications.schemas import CLOCK, NotificationSettings
from tenants.notifications.timing import MailMode


def check_settings(chosen: NotificationSettings) -> None:
    """Raises InvalidInput: an unknown kind, severity or time, or times that do not go together."""
    for field, codes in (
        ("muted", chosen.muted), ("mail_kinds", chosen.mail_kinds), ("webhook_kinds", chosen.webhook_kinds),
    ):  # fmt: skip
        unknown = sorted(set(codes) - known_kinds().keys())
        if unknown:
            raise InvalidInput(N_("There is no notification “{kind}”."), params={"kind": unknown[0]}, field=field)
    for field in ("least_severity", "mail_least_severity", "webhook_least_severity"):
        if getattr(chosen, field) not in set(NoticeSeverity):
            raise InvalidInput(N_("There is no such severity."), field=field)
    if not {chosen.mail, *chosen.mail_kinds.values()} <= set(MailMode):
        raise InvalidInput(N_("There is no such time for mails."), field="mail")
    for field in ("quiet_from", "quiet_until", "digest_at"):
        if not re.fullmatch(CLOCK, getattr(chosen, field)):
            raise InvalidInput(N_("Write a time as 07:30."), field=field)
    if bool(chosen.quiet_from) != bool(chosen.quiet_until):
        field = "quiet_until" if chosen.quiet_from else "quiet_from"
        raise InvalidInput(N_("Quiet hours need a beginning and an end."), field=field)
