"""Content of a template's version, and its limits. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Annotated, Final, Literal

import msgspec

from billing.plans.schemas import Code as PlanCode
from billing.price_books.inputs import TermsInput
from billing.price_books.pricing import Terms, check_terms
from billing.subscriptions.schemas import AddOns, Quantity
from branding.client_parts import parse_parts
from canonical.money import UnknownCurrency, minor_exponent
from foundation.codes import LabelledCode
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.names import clean_name
from foundation.reasons import clean_reason
from foundation.text import has_hidden, is_storable
from foundation.web.requests import RequestBody
from governance.elements.schemas import MOST_CHANNELS, Sensitivity, Workflow
from governance.escalations.ladder import check_steps
from governance.escalations.schemas import MOST_STEPS, EscalationStep
from governance.onboarding.steps import OnboardingCheck
from policy.index import PolicyIndex, check_rule, compile_rules
from policy.packaged import system_rules
from policy.rules import Effect, PolicyRule, RuleKind
from tenants.notifications.inputs import check_settings
from tenants.notifications.schemas import NotificationSettings

MOST_CONNECTIONS: Final = 50
MOST_CONTRACTS: Final = 200
MOST_RULES: Final = 200
MOST_PRICES: Final = 100
PLAN_KEY: Final = "plan"
LADDER_KEY: Final = "ladder"
BRAND_KEY: Final = "brand"
NOTIFICATIONS_KEY: Final = "notifications"
Code = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]


class TemplateConnection(RequestBody, frozen=True):
    """A system that each client connects: its name and its connector's `kind`. The client has its own address and
    secrets.
    """

    name: Code
    kind: Code


class TemplateContract(RequestBody, frozen=True, kw_only=True):
    """A contract. `source`: the name of a connection of the template; null if people and API clients set the values.
    `channels`: the names of the only connections that get the values, none if empty; `all_channels`: every channel
    that can show them. Without either, the channels are as the client has them.
    """

    element: Code
    selector: Annotated[str, msgspec.Meta(max_length=500)] = ""
    source: Code | None
    owner: Code
    workflow: Workflow = Workflow.POLICY
    sensitivity: Sensitivity = Sensitivity.INTERNAL
    propagation_slo: timedelta = timedelta(seconds=30)
    correction_slo: timedelta = timedelta(hours=4)
    decision_slo: timedelta = timedelta(days=1)
    approval_ttl: timedelta = timedelta(days=2)
    channels: Annotated[Sequence[Code], msgspec.Meta(max_length=MOST_CHANNELS)] | None = None
    all_channels: bool = False

    @property
    def key(self) -> str:
        return f"contract:{self.element}:{self.selector}"

    @property
    def named(self) -> Sequence[tuple[str, str]]:
        """The connections that it names, each with the field."""
        source = () if self.source is None else (("source", self.source),)
        return [*source, *(("channels", name) for name in self.channels or ())]


class TemplateRule(RequestBody, frozen=True, kw_only=True):
    """A governance rule of the policy, as Casbin has it. Its `id` is the same in each client."""

    id: Code
    sub: Code = "*"
    obj: Code
    act: Code
    condition: Text = ""
    effect: Effect = Effect.ALLOW
    description: Text = ""
    approver: Code = ""
    approvals: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1

    @property
    def key(self) -> str:
        return f"rule:{self.id}"

    def rule(self) -> PolicyRule:
        """The rule, not assigned to an account yet."""
        return PolicyRule(
            id=self.id, ptype=RuleKind.GOVERNANCE, sub=self.sub, dom="", obj=self.obj, act=self.act,
            condition=self.condition, effect=self.effect, description=self.description, approver=self.approver,
            approvals=self.approvals,
        )  # fmt: skip


class TemplateWaiver(RequestBody, frozen=True):
    """A check of the go-live checklist that is waived for each client, with the reason."""

    check: OnboardingCheck
    reason: Text

    @property
    def key(self) -> str:
        return f"check:{self.check}"


Start = Literal["application", "go_live", "next_month"]


class PlanStart(LabelledCode):
    APPLICATION = "application", N_("When the template is applied")
    GO_LIVE = "go_live", N_("When the client goes live")
    NEXT_MONTH = "next_month", N_("On the first day of the next month")


class TemplatePlan(RequestBody, frozen=True, kw_only=True):
    """The plan that each client subscribes to, by its code, in the version in force on the day on which it `starts`:
    when the template is applied, when the client goes live, or on the first of the month after. A client that is live
    already does not wait.
    """

    code: PlanCode
    quantity: Quantity = 1
    add_ons: AddOns = msgspec.field(default_factory=dict)
    starts: Start = "application"

    @property
    def key(self) -> str:
        return PLAN_KEY

    @property
    def start(self) -> PlanStart:
        return PlanStart.of(self.starts)


class TemplatePrice(TermsInput, frozen=True, kw_only=True):
    """A retail price of each client's own, for clients that are billed in `currency`. `description`: the text on the
    invoice.
    """

    meter: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    currency: Annotated[str, msgspec.Meta(min_length=3, max_length=3)]
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

    @property
    def key(self) -> str:
        return f"price:{self.meter}"


class TemplateLadder(RequestBody, frozen=True):
    """The escalation ladder of each client, in place of the one that the MSP sets for all."""

    steps: Annotated[Sequence[EscalationStep], msgspec.Meta(min_length=1, max_length=MOST_STEPS)]

    @property
    def key(self) -> str:
        return LADDER_KEY


class TemplateBrand(RequestBody, frozen=True, kw_only=True):
    """Parts of the brand that each client shows in place of its MSP's; an empty one is as the client has it. Images are
    each client's own.
    """

    name: Code = ""
    monogram: Code = ""
    accent: Code = ""
    on_accent: Code = ""
    sender_name: Code = ""

    @property
    def key(self) -> str:
        return BRAND_KEY

    @property
    def given(self) -> Mapping[str, str]:
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value}


class TemplateNotifications(NotificationSettings, frozen=True):
    """The notifications of each client's members who have chosen none."""

    @property
    def key(self) -> str:
        return NOTIFICATIONS_KEY


class TemplateContent(RequestBody, frozen=True, kw_only=True):
    """The items of a template's version."""

    connections: Annotated[Sequence[TemplateConnection], msgspec.Meta(max_length=MOST_CONNECTIONS)] = ()
    contracts: Annotated[Sequence[TemplateContract], msgspec.Meta(max_length=MOST_CONTRACTS)] = ()
    rules: Annotated[Sequence[TemplateRule], msgspec.Meta(max_length=MOST_RULES)] = ()
    waivers: Annotated[Sequence[TemplateWaiver], msgspec.Meta(max_length=20)] = ()
    plan: TemplatePlan | None = None
    prices: Annotated[Sequence[TemplatePrice], msgspec.Meta(max_length=MOST_PRICES)] = ()
    ladder: TemplateLadder | None = None
    brand: TemplateBrand | None = None
    notifications: TemplateNotifications | None = None

    @property
    def keys(self) -> list[str]:
        """Keys of all items, connections first."""
        return [
            *(connection_key(one.name) for one in self.connections),
            *(one.key for one in self.contracts),
            *(one.key for one in self.rules),
            *(one.key for one in self.waivers),
            *((self.plan.key,) if self.plan else ()),
            *(one.key for one in self.prices),
            *((self.ladder.key,) if self.ladder else ()),
            *((self.brand.key,) if self.brand else ()),
            *((self.notifications.key,) if self.notifications else ()),
        ]

    def without(self, key: str) -> "TemplateContent":
        """The content without one item."""
        return TemplateContent(
            connections=[one for one in self.connections if connection_key(one.name) != key],
            contracts=[one for one in self.contracts if one.key != key],
            rules=[one for one in self.rules if one.key != key],
            waivers=[one for one in self.waivers if one.key != key],
            plan=None if key == PLAN_KEY else self.plan,
            prices=[one for one in self.prices if one.key != key],
            ladder=None if key == LADDER_KEY else self.ladder,
            brand=None if key == BRAND_KEY else self.brand,
            notifications=None if key == NOTIFICATIONS_KEY else self.notifications,
        )


def connection_key(name: str) -> str:
    return f"connection:{name}"


def rule_of(rule: PolicyRule) -> TemplateRule:
    return TemplateRule(
        id=rule.id, sub=rule.sub, obj=rule.obj, act=rule.act, condition=rule.condition, effect=rule.effect,
        description=rule.description, approver=rule.approver, approvals=rule.approvals,
    )  # fmt: skip


def price_of(meter: str, currency: str, description: str, terms: Terms) -> TemplatePrice:
    return TemplatePrice(
        meter=meter, currency=currency, description=description, kind=terms.kind, unit_price=terms.unit_price,
        included=terms.included, tiers=terms.tiers, size=terms.size, rate_pct=terms.rate_pct,
        per_event=terms.per_event, minimum=terms.minimum, maximum=terms.maximum,
    )  # fmt: skip


def check_content(content: TemplateContent, index: PolicyIndex) -> TemplateContent:
    """The content with its names in the form in which they are stored. `index`: the MSP's, whose roles a ladder may
    name.

    Raises:
        InvalidInput: a part is malformed or repeated, or names an unknown connection, role or notification.
        InvalidRule: a rule is not well-formed.
        InvalidTheme: a part of the brand is malformed.
        PriceNotAllowed: the terms of a price are not valid.
    """
    if not is_storable(msgspec.json.encode(content).decode()):
        raise InvalidInput(N_("The template contains a character that cannot be stored, such as NUL."), field="content")
    _check_unique(content.keys)
    names = {one.name for one in content.connections}
    for contract in content.contracts:
        _check_contract(contract, names)
    rules = [replace(one.rule(), dom="template") for one in content.rules]
    for rule in rules:
        check_rule(rule)
    compile_rules(rules, tenant_id="template", version=0)
    for price in content.prices:
        _check_price(price)
    if content.brand is not None:
        _check_brand(content.brand)
    if content.notifications is not None:
        check_settings(content.notifications)
    return msgspec.structs.replace(
        content,
        connections=[TemplateConnection(clean_name(one.name), one.kind) for one in content.connections],
        contracts=[
            msgspec.structs.replace(one, owner=clean_name(one.owner, field="owner")) for one in content.contracts
        ],
        waivers=[TemplateWaiver(one.check, clean_reason(one.reason)) for one in content.waivers],
        ladder=None
        if content.ladder is None
        else TemplateLadder(check_steps(content.ladder.steps, index, of_msp=True)),
    )


def _check_unique(keys: Iterable[str]) -> None:
    """Raises InvalidInput."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise InvalidInput(N_("The template has this item already: {item}."), params={"item": key}, field="content")
        seen.add(key)


def _check_contract(contract: TemplateContract, names: Collection[str]) -> None:
    """`names` of the template's connections. Raises InvalidInput."""
    if not contract.element or min(contract.propagation_slo, contract.correction_slo) <= timedelta(0):
        raise InvalidInput(N_("Each target must be longer than zero."), field="content")
    if contract.all_channels and contract.channels is not None:
        raise InvalidInput(N_("Choose either every channel or some of them."), field="channels")
    for field, name in contract.named:
        if name not in names:
            raise InvalidInput(
                N_("The template has no connection “{name}”. Add it first."),
                params={"name": name[:60]},
                field=field,
            )


def _check_price(price: TemplatePrice) -> None:
    """Raises: InvalidInput, PriceNotAllowed."""
    check_terms(price.terms)
    try:
        minor_exponent(price.currency)
    except UnknownCurrency:
        raise InvalidInput(N_("A currency is an ISO 4217 code such as EUR."), field="currency") from None
    if has_hidden(price.description):
        raise InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field="description")


def _check_brand(brand: TemplateBrand) -> None:
    """Raises: InvalidInput, InvalidTheme."""
    if not brand.given:
        raise InvalidInput(N_("Set at least one part of the brand."), field="content")
    parse_parts(brand.given)


@cache
def packaged_index() -> PolicyIndex:
    return compile_rules(system_rules(), tenant_id="template", version=0)
