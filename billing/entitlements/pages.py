"""Pages of entitlements: a client's plan and limits, and the defaults of a price book."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from billing.entitlements.forms import read_entitlement
from billing.entitlements.rules import list_entitlements, list_rules, require_book, set_rule
from billing.entitlements.schemas import EntitlementRuleView, EntitlementSource, EntitlementView
from billing.permissions import BillingPermission
from billing.subscriptions.states import LABELS, SubscriptionState
from billing.subscriptions.views import list_subscriptions
from billing.web.dependencies import KnownFeatures
from billing.web.forms import read_typed
from foundation.entitlements.features import Feature, Features
from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.actions import run_action
from foundation.web.render import redirect_to, render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

AnyRequest = Request[Any, Any, Any]
_PAGE: Final = "/clients/{client:str}/plan"
_BOOK: Final = "/prices/books/{book_id:uuid}/limits"
_FIELDS: Final = ("feature", "use", "soft_limit", "hard_limit")
_SOURCES: Final = {
    EntitlementSource.CLIENT: N_("Set for this client"),
    EntitlementSource.PLAN: N_("Plan {name}"),
    EntitlementSource.PRICE_BOOK: N_("Price book {name}"),
    EntitlementSource.NONE: N_("Default"),
}


def provide_features(features: Features) -> dict[str, Any]:
    """The application's dependency `features`."""
    return {"features": Provide(lambda: features, sync_to_thread=False)}


class FeatureRow(msgspec.Struct, frozen=True):
    """Texts of a feature's row; `view` is None for a default of a price book."""

    label: str
    path: str
    limit: str
    soft: str
    source: str
    is_on: bool
    permission: str
    view: EntitlementView | None = None

    @property
    def kind(self) -> str:
        """Kind of the bar."""
        if self.view is None or not self.view.is_near:
            return "accent"
        hard = self.view.hard_limit
        return "bad" if hard is not None and self.view.used is not None and self.view.used >= hard else "warn"


@get(_PAGE, name="entitlements", opt={"permission": BillingPermission.READ_USAGE}, include_in_schema=False)
async def show_entitlements_page(access: OpenAccess, features: KnownFeatures) -> Response[Any]:
    return await _client_page(access, features)


@post(_PAGE, opt={"permission": BillingPermission.ISSUE_INVOICE}, include_in_schema=False)
async def set_entitlement_page(request: AnyRequest, access: OpenAccess, features: KnownFeatures) -> Response[Any]:
    typed = await read_typed(request)

    async def act() -> None:
        await set_rule(access.session, features, read_entitlement(typed), now=access.now)

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return await _client_page(access, features, refusal, typed)
    return redirect_to(access, "/plan", done=translate("Limit set"))


@get(
    _BOOK, name="default_entitlements", opt={"permission": BillingPermission.READ_PRICE_BOOKS}, include_in_schema=False
)
async def show_default_entitlements_page(
    access: OpenAccess, features: KnownFeatures, book_id: FromPath[UUID]
) -> Response[Any]:
    return await _book_page(access, features, book_id)


@post(_BOOK, opt={"permission": BillingPermission.WRITE_PRICE_BOOKS}, include_in_schema=False)
async def set_default_entitlement_page(
    request: AnyRequest, access: OpenAccess, features: KnownFeatures, book_id: FromPath[UUID]
) -> Response[Any]:
    typed = await read_typed(request)

    async def act() -> None:
        await set_rule(access.session, features, read_entitlement(typed), book_id=book_id, now=access.now)

    refusal = await run_action(access.session, act())
    if refusal is not None:
        return await _book_page(access, features, book_id, refusal, typed)
    return redirect_to(access, f"/prices/books/{book_id}/limits", done=translate("Limit set"))


ENTITLEMENT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_entitlements_page, set_entitlement_page, show_default_entitlements_page, set_default_entitlement_page,
)  # fmt: skip


async def _client_page(
    access: Access, features: Features, refusal: DomainError | None = None, typed: Mapping[str, str] | None = None
) -> Response[Any]:
    found = await list_entitlements(access.session, features, access.now)
    held = [
        (one, *LABELS[one.state])
        for one in await list_subscriptions(access.session, access.now)
        if one.state is not SubscriptionState.CANCELLED
    ]
    rows = [_row(features.require(one.feature), one) for one in found]
    context = {
        "subscriptions": held,
        "rows": rows,
        "near": [one.label for one in rows if one.view is not None and one.view.is_near and one.is_on],
        "sets": access.may(BillingPermission.ISSUE_INVOICE),
        "uses": [
            ("on", translate("Can be used")), ("off", translate("Switched off")),
            ("inherit", translate("As in the plan or the price book")),
        ],
        **_form(features, refusal, typed),
    }  # fmt: skip
    return render_page(access, "billing/entitlements.html", translate("Plan and limits"), context, refusal=refusal)


async def _book_page(
    access: Access, features: Features, book_id: UUID, refusal: DomainError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response[Any]:  # fmt: skip
    name = await require_book(access.session, book_id)
    rules = [one for one in await list_rules(access.session, book_id) if features.get(one.feature) is not None]
    context = {
        "book_id": book_id,
        "book_name": name,
        "rows": [_rule_row(features.require(one.feature), one) for one in rules],
        "sets": access.may(BillingPermission.WRITE_PRICE_BOOKS),
        "uses": [
            ("on", translate("Can be used")), ("off", translate("Switched off")), ("inherit", translate("No default")),
        ],
        **_form(features, refusal, typed),
    }  # fmt: skip
    return render_page(
        access, "billing/default_entitlements.html", translate("Limits of clients"), context, refusal=refusal
    )


def _form(features: Features, refusal: DomainError | None, typed: Mapping[str, str] | None) -> Mapping[str, Any]:
    choices: Sequence[tuple[str, str]] = [(one.code, translate(one.label)) for one in features]
    return {
        "choices": choices,
        "typed": typed or {},
        "shown": typed is not None,
        "fields": _FIELDS,
        "errors": {} if refusal is None else {str(refusal.extra.get("field", "")): refusal.detail},
    }


def _row(feature: Feature, one: EntitlementView) -> FeatureRow:
    source = translate(_SOURCES[one.source], name=one.source_name)
    return FeatureRow(
        translate(feature.label), feature.path, _limit(feature, one.hard_limit), _soft(feature, one.soft_limit), source,
        one.is_on, feature.permission, one,
    )  # fmt: skip


def _rule_row(feature: Feature, one: EntitlementRuleView) -> FeatureRow:
    return FeatureRow(
        translate(feature.label), feature.path, _limit(feature, one.hard_limit), _soft(feature, one.soft_limit),
        one.changed_by, one.is_on, feature.permission,
    )  # fmt: skip


def _limit(feature: Feature, limit: int | None) -> str:
    if limit is None:
        return translate("Any number") if feature.count else translate("Included")
    return feature.write(limit)


def _soft(feature: Feature, limit: int | None) -> str:
    return "" if limit is None else feature.write(limit)
