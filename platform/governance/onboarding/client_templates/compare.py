"""Comparison of a template with a client's content. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from branding.client_parts import NO_PARTS, ClientBrandParts
from foundation.marks import N_
from governance.escalations.schemas import EscalationStep
from governance.onboarding.client_templates.content import (
    PlanStart,
    TemplateBrand,
    TemplateConnection,
    TemplateContent,
    TemplateContract,
    TemplateLadder,
    TemplateNotifications,
    TemplatePlan,
    TemplatePrice,
    TemplateRule,
    TemplateWaiver,
    connection_key,
)
from governance.onboarding.client_templates.states import DRIFTING, ItemKind, ItemState
from tenants.notifications.schemas import NotificationSettings

FIELDS: Final[Mapping[str, str]] = {
    "source": N_("Source of truth"),
    "owner": N_("Owner"),
    "workflow": N_("Decision"),
    "sensitivity": N_("Sensitivity"),
    "propagation_slo": N_("Publishing target"),
    "correction_slo": N_("Correction target"),
    "decision_slo": N_("Decision target"),
    "approval_ttl": N_("Approvals expire after"),
    "channels": N_("Published on"),
    "rule": N_("Rule"),
    "reason": N_("Reason"),
    "plan": N_("Plan"),
    "quantity": N_("Quantity"),
    "add_ons": N_("Add-ons"),
    "price": N_("Price"),
    "description": N_("Text on the invoice"),
    "steps": N_("Steps"),
    "name": N_("Name"),
    "monogram": N_("Monogram"),
    "accent": N_("Brand colour"),
    "on_accent": N_("Text on the brand colour"),
    "sender_name": N_("Sender of mails"),
    "muted": N_("Not in the app"),
    "least_severity": N_("In the app at least"),
    "mail": N_("Mails"),
    "mail_kinds": N_("Mails of single kinds"),
    "mail_least_severity": N_("Mailed at least"),
    "webhook_kinds": N_("To webhooks"),
    "webhook_least_severity": N_("To webhooks at least"),
    "quiet_from": N_("Quiet hours from"),
    "quiet_until": N_("Quiet hours until"),
    "critical_passes": N_("Critical ones do not wait"),
    "digest_at": N_("Daily summary at"),
}
_COMPARED: Final = (
    "source", "owner", "workflow", "sensitivity", "propagation_slo", "correction_slo", "decision_slo", "approval_ttl",
)  # fmt: skip
KeyedPart = (
    TemplateContract
    | TemplateRule
    | TemplateWaiver
    | TemplatePlan
    | TemplatePrice
    | TemplateLadder
    | TemplateBrand
    | TemplateNotifications
)
Part = TemplateConnection | KeyedPart


class Channels(msgspec.Struct, frozen=True):
    """Names of the only connections that get a contract's values; None: every channel that can show them."""

    names: Sequence[str] | None


class NotificationField(msgspec.Struct, frozen=True):
    """The value of one of the `NotificationSettings`, by its name."""

    name: str
    value: Any


class ClientState(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a client in the form of a template. `ids` of its connections by name; `locked`: ids of rules that
    its MSP has locked for all clients. `plans`: those that it subscribes to, as last planned. `steps`: the ladder that
    applies to it. `brand`: its own parts of the brand. `notifications`: those of its members who have chosen none; None
    if it sets none. `is_live`: its onboarding has ended.
    """

    content: TemplateContent
    ids: Mapping[str, UUID]
    locked: Collection[str] = ()
    plans: Sequence[TemplatePlan] = ()
    steps: Sequence[EscalationStep] = ()
    brand: ClientBrandParts = NO_PARTS
    notifications: NotificationSettings | None = None
    is_live: bool = True


class FieldDifference(msgspec.Struct, frozen=True):
    """A field with the client's value and the template's; `name` is a key of FIELDS."""

    name: str
    own: Any
    template: Any


class ComparedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a template. `wanted` is the value that applying would set, with the client's name of the source."""

    key: str
    kind: ItemKind
    state: ItemState
    wanted: Part
    differences: Sequence[FieldDifference] = ()


def match_connections(wanted: Sequence[TemplateConnection], known: Sequence[TemplateConnection]) -> dict[str, str]:
    """The client's connection for each of the template's, by name: the one of its name and kind, else the only one of
    its kind.
    """
    found = {}
    for one in wanted:
        same = [each.name for each in known if each.kind == one.kind]
        named = [name for name in same if name.casefold() == one.name.casefold()]
        if named or len(same) == 1:
            found[one.name] = (named or same)[0]
    return found


def compare(
    template: TemplateContent, client: ClientState, kept: Collection[str], *, billing: ItemState | None = None
) -> list[ComparedItem]:
    """Each item of the template compared with the client. Other content of the client is its own and not compared.
    `billing`: the state of plan and prices while the job that sets them has not run, or has failed.
    """
    matched = match_connections(template.connections, client.content.connections)
    items = [
        ComparedItem(
            key=connection_key(one.name), kind=ItemKind.CONNECTION, wanted=one,
            state=ItemState.SAME if one.name in matched else ItemState.WAITING,
        )
        for one in template.connections
    ]  # fmt: skip
    contracts = {one.key: one for one in client.content.contracts}
    items += [_contract(one, contracts.get(one.key), matched) for one in template.contracts]
    rules = {one.id: one for one in client.content.rules}
    items += [_rule(one, rules.get(one.id), is_locked=one.id in client.locked) for one in template.rules]
    waived = {one.check for one in client.content.waivers}
    items += [
        ComparedItem(
            key=one.key, kind=ItemKind.CHECK, wanted=one,
            state=ItemState.SAME if one.check in waived else ItemState.MISSING,
        )
        for one in template.waivers
    ]  # fmt: skip
    items += _billing(template, client, billing)
    if template.ladder is not None:
        items.append(_compared(template.ladder, ItemKind.LADDER, [("steps", client.steps, template.ladder.steps)]))
    if template.brand is not None:
        items.append(_brand(template.brand, client.brand))
    if template.notifications is not None:
        items.append(_notifications(template.notifications, client.notifications))
    return [msgspec.structs.replace(one, state=ItemState.KEPT) if one.key in kept else one for one in items]


def _billing(template: TemplateContent, client: ClientState, state: ItemState | None) -> list[ComparedItem]:
    """The plan and the prices of the template."""
    items = [] if template.plan is None else [_plan(template.plan, client)]
    prices = {one.meter: one for one in client.content.prices}
    items += [_price(one, prices.get(one.meter)) for one in template.prices]
    if state is None:
        return items
    return [msgspec.structs.replace(one, state=state) if one.state in DRIFTING else one for one in items]


def _plan(wanted: TemplatePlan, client: ClientState) -> ComparedItem:
    """The plan, compared with the client's subscription to it, else with its only subscription."""
    item = _compare_plan(wanted, client.plans)
    if wanted.start is PlanStart.GO_LIVE and not client.is_live and item.state in DRIFTING:
        return msgspec.structs.replace(item, state=ItemState.LATER)
    return item


def _compare_plan(wanted: TemplatePlan, plans: Sequence[TemplatePlan]) -> ComparedItem:
    same = [one for one in plans if one.code == wanted.code]
    own = same[0] if same else plans[0] if len(plans) == 1 else None
    if own is None:
        return ComparedItem(key=wanted.key, kind=ItemKind.PLAN, state=ItemState.MISSING, wanted=wanted)
    return _compared(wanted, ItemKind.PLAN, [
        ("plan", own.code, wanted.code), ("quantity", own.quantity, wanted.quantity),
        ("add_ons", dict(own.add_ons), dict(wanted.add_ons)),
    ])  # fmt: skip


def _price(wanted: TemplatePrice, own: TemplatePrice | None) -> ComparedItem:
    if own is None:
        return ComparedItem(key=wanted.key, kind=ItemKind.PRICE, state=ItemState.MISSING, wanted=wanted)
    same = (own.currency, own.terms) == (wanted.currency, wanted.terms)
    return _compared(wanted, ItemKind.PRICE, [
        *(() if same else (("price", own, wanted),)), ("description", own.description, wanted.description),
    ])  # fmt: skip


def _brand(wanted: TemplateBrand, own: ClientBrandParts) -> ComparedItem:
    values = [(name, getattr(own, name), value) for name, value in wanted.given.items()]
    if not any(each for _, each, _ in values):
        return ComparedItem(key=wanted.key, kind=ItemKind.BRAND, state=ItemState.MISSING, wanted=wanted)
    return _compared(wanted, ItemKind.BRAND, values)


def _notifications(wanted: TemplateNotifications, own: NotificationSettings | None) -> ComparedItem:
    if own is None:
        return ComparedItem(key=wanted.key, kind=ItemKind.NOTIFICATIONS, state=ItemState.MISSING, wanted=wanted)
    return _compared(wanted, ItemKind.NOTIFICATIONS, [
        (name, NotificationField(name, _ordered(getattr(own, name))), NotificationField(name, _ordered(value)))
        for name, value in msgspec.structs.asdict(wanted).items()
    ])  # fmt: skip


def _ordered(value: Any) -> Any:
    """Kinds in one order, each once: they are sets."""
    return sorted(set(value)) if isinstance(value, list) else value


def _compared(wanted: KeyedPart, kind: ItemKind, values: Sequence[tuple[str, Any, Any]]) -> ComparedItem:
    """An item of these fields, each with the client's and the template's value."""
    found = [FieldDifference(name, own, new) for name, own, new in values if own != new]
    state = ItemState.DIFFERS if found else ItemState.SAME
    return ComparedItem(key=wanted.key, kind=kind, state=state, wanted=wanted, differences=found)


def _contract(wanted: TemplateContract, own: TemplateContract | None, matched: Mapping[str, str]) -> ComparedItem:
    if any(name not in matched for _, name in wanted.named):
        return ComparedItem(key=wanted.key, kind=ItemKind.CONTRACT, state=ItemState.WAITING, wanted=wanted)
    wanted = msgspec.structs.replace(
        wanted,
        source=None if wanted.source is None else matched[wanted.source],
        channels=None if wanted.channels is None else sorted({matched[name] for name in wanted.channels}),
    )
    if own is None:
        return ComparedItem(key=wanted.key, kind=ItemKind.CONTRACT, state=ItemState.MISSING, wanted=wanted)
    values: list[tuple[str, Any, Any]] = [(name, getattr(own, name), getattr(wanted, name)) for name in _COMPARED]
    if wanted.all_channels or wanted.channels is not None:
        values.append(("channels", Channels(own.channels), Channels(wanted.channels)))
    return _compared(wanted, ItemKind.CONTRACT, values)


def _rule(wanted: TemplateRule, own: TemplateRule | None, *, is_locked: bool) -> ComparedItem:
    differences: list[FieldDifference] = []
    if is_locked:
        state = ItemState.LOCKED
    elif own is None:
        state = ItemState.MISSING
    elif own == wanted:
        state = ItemState.SAME
    else:
        state, differences = ItemState.DIFFERS, [FieldDifference("rule", own, wanted)]
    return ComparedItem(key=wanted.key, kind=ItemKind.RULE, state=state, wanted=wanted, differences=differences)
