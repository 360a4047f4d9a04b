"""Default notifications of templates in the reader's language."""

from msgspec.structs import asdict

from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_
from governance.onboarding.client_templates.compare import FIELDS, NotificationField
from governance.onboarding.client_templates.content import TemplateNotifications
from tenants.notifications.delivery import NOTHING_SET
from tenants.notifications.kinds import NoticeSeverity, known_kinds
from tenants.notifications.timing import MailMode


def write_notifications(settings: TemplateNotifications) -> str:
    """The settings that differ from the product's, such as “Mails: Summary once a day; Quiet hours from: 22:00”."""
    found = asdict(settings)
    return "; ".join(
        f"{translate(FIELDS[name])}: {write_notification_field(NotificationField(name, value))}"
        for name, value in found.items()
        if value != getattr(NOTHING_SET, name)
    )


def write_notification_field(field: NotificationField) -> str:
    join = current_localizer().join
    match field.value:
        case bool():
            return translate(N_("Yes")) if field.value else translate(N_("No"))
        case [*codes]:
            return join([_write_kind(one) for one in codes]) or "–"
        case dict() as modes:
            return (
                join([f"{_write_kind(one)} ({translate(MailMode.of(mode).label)})" for one, mode in modes.items()])
                or "–"
            )
        case str() as code if field.name == "mail":
            return translate(MailMode.of(code).label)
        case str() as code if field.name.endswith("least_severity"):
            return translate(NoticeSeverity.of(code).label)
    return str(field.value) or "–"


def _write_kind(code: str) -> str:
    kind = known_kinds().get(code)
    return code if kind is None else translate(kind.label)
