"""The API of entitlements."""

from typing import Final
from uuid import UUID

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from billing.entitlements.rules import list_entitlements, list_rules, require_book, set_rule
from billing.entitlements.schemas import EntitlementInput, EntitlementList, RuleList
from billing.permissions import BillingPermission
from billing.web.dependencies import KnownFeatures
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess

_CLIENT: Final = "/api/v1/clients/{client:str}/entitlements"
_BOOK: Final = "/api/v1/price-books/{book_id:uuid}/entitlements"
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}
_TAGS: Final = ["subscriptions"]


@get(_CLIENT, opt={"permission": BillingPermission.READ_USAGE}, tags=_TAGS)
async def show_entitlements(access: OpenAccess, features: KnownFeatures) -> EntitlementList:
    """Return a client's entitlement to each feature with its use, and the plan or price book that it comes from."""
    return EntitlementList(await list_entitlements(access.session, features, access.now))


@post(_CLIENT, opt={"permission": BillingPermission.ISSUE_INVOICE}, tags=_TAGS, status_code=200)
async def set_entitlement(
    access: OpenAccess, features: KnownFeatures, data: JSONBody[EntitlementInput]
) -> EntitlementList:
    """Set a client's entitlement to a feature in place of its plan's; with `inherits`, the plan's applies again."""
    await set_rule(access.session, features, data, now=access.now)
    return EntitlementList(await list_entitlements(access.session, features, access.now))


@get(_BOOK, opt={"permission": BillingPermission.READ_PRICE_BOOKS}, tags=_TAGS)
async def show_default_entitlements(access: OpenAccess, book_id: FromPath[UUID]) -> RuleList:
    """Return the entitlements of a retail price book, which apply to features that a client's plan does not mention."""
    await require_book(access.session, book_id)
    return RuleList(await list_rules(access.session, book_id))


@post(_BOOK, opt=_WRITE, tags=_TAGS, status_code=200)
async def set_default_entitlement(
    access: OpenAccess, features: KnownFeatures, book_id: FromPath[UUID], data: JSONBody[EntitlementInput]
) -> RuleList:
    """Set an entitlement of a retail price book, for clients whose plan does not mention the feature. Applies within
    minutes.
    """
    await set_rule(access.session, features, data, book_id=book_id, now=access.now)
    return RuleList(await list_rules(access.session, book_id))


ENTITLEMENT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_entitlements, set_entitlement, show_default_entitlements, set_default_entitlement,
)  # fmt: skip
