"""The form of notification settings: of a member, of an account, and of a client template."""

from collections.abc import Mapping
from typing import Final

from litestar.datastructures.multi_dicts import FormMultiDict

from foundation.i18n.localizer import current_localizer, translate
from tenants.notifications.kinds import NoticeSeverity, kinds_for
from tenants.notifications.schemas import NotificationSettings
from tenants.notifications.timing import MailMode

BADGES: Final = {NoticeSeverity.INFO: "info", NoticeSeverity.WARNING: "warn", NoticeSeverity.CRITICAL: "bad"}
_SINGLE: Final = (
    "least_severity", "mail", "mail_least_severity", "webhook_least_severity", "quiet_from", "quiet_until", "digest_at",
)  # fmt: skip


def read_settings_form(form: FormMultiDict, *, is_partner: bool = False) -> NotificationSettings:
    """Kinds that are not ticked are muted; a kind's own mail is a field of its own."""
    in_app, known = {str(one) for one in form.getall("kinds", [])}, kinds_for(is_partner=is_partner)
    single = {name: str(form[name]) for name in _SINGLE if name in form}
    return NotificationSettings(
        muted=[code for code in known if code not in in_app],
        mail_kinds={code: str(form[f"mail.{code}"]) for code in known if form.get(f"mail.{code}")},  # type: ignore[misc]
        webhook_kinds=[str(one) for one in form.getall("webhook_kinds", [])],
        critical_passes="critical_passes" in form,
        **single,  # type: ignore[arg-type]
    )


def settings_choices() -> Mapping[str, object]:
    """Choices and labels of the fields, for `components/notifications.html`."""
    return {
        "severities": {str(one): (translate(one.label), BADGES[one]) for one in NoticeSeverity},
        "least": [(str(one), translate(one.label)) for one in NoticeSeverity],
        "modes": [(str(one), translate(one.label)) for one in MailMode],
        "zone": current_localizer().zone,
    }
