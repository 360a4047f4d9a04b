"""Rights to plan and prices of templates: those of billing, in addition to the rights to templates."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from billing.permissions import BillingPermission
from billing.price_books.pricing import Terms
from foundation.errors import Forbidden
from foundation.marks import N_
from governance.onboarding.client_templates.content import TemplateContent
from governance.onboarding.client_templates.schemas import ItemView, PartView
from governance.onboarding.client_templates.states import BILLING
from tenants.access import Access

_NOTHING: Final = TemplateContent()
V = TypeVar("V", bound=PartView)


def may_read_billing(access: Access) -> bool:
    return access.may(BillingPermission.READ_PRICE_BOOKS)


def readable_content(access: Access, content: TemplateContent) -> TemplateContent:
    """The content, without plan and prices for those who may not read price books."""
    return content if may_read_billing(access) else msgspec.structs.replace(content, plan=None, prices=())


def readable_parts(access: Access, parts: Sequence[V]) -> list[V]:
    """The items; for those who may not read price books, plan and prices without their details. They stay in the list,
    because a form sends which items are kept.
    """
    if may_read_billing(access):
        return list(parts)
    return [_without_details(one) if one.kind in BILLING else one for one in parts]


def changeable_content(access: Access, content: TemplateContent) -> TemplateContent:
    """The content without the parts that the caller may not change in a template."""
    if not access.may(BillingPermission.WRITE_PRICE_BOOKS):
        content = msgspec.structs.replace(content, prices=())
    return content if access.may(BillingPermission.WRITE_SUBSCRIPTIONS) else msgspec.structs.replace(content, plan=None)


def require_billing_rights(access: Access, content: TemplateContent, before: TemplateContent = _NOTHING) -> None:
    """Require the rights to set the version's plan and prices for a client: applying the version sets them.

    Raises:
        Forbidden: the plan or a price is not as `before`, and the caller may not change subscriptions or price books.
    """
    if _prices(content) != _prices(before) and not access.may(BillingPermission.WRITE_PRICE_BOOKS):
        raise Forbidden(N_("Prices of a template are changed by those who may change price books."))
    if content.plan != before.plan and not access.may(BillingPermission.WRITE_SUBSCRIPTIONS):
        raise Forbidden(N_("The plan of a template is changed by those who may change subscriptions."))


def _prices(content: TemplateContent) -> list[tuple[str, str, str, Terms]]:
    return [(one.meter, one.currency, one.description, one.terms) for one in content.prices]


def _without_details(part: V) -> V:
    if isinstance(part, ItemView):
        return msgspec.structs.replace(part, detail="", differences=())
    return msgspec.structs.replace(part, detail="")
