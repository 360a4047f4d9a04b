"""Items of templates in the reader's language."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from billing.price_books.wording import write_price
from connectors.registry import connector_titles
from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_, NN_
from governance.elements.schemas import Sensitivity, Workflow
from governance.elements.selector_labels import write_selector
from governance.escalations.roles import label_of
from governance.escalations.schemas import EscalationStep
from governance.labels import write_element
from governance.onboarding.client_templates.compare import FIELDS, Channels, ComparedItem, NotificationField, Part
from governance.onboarding.client_templates.content import (
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
from governance.onboarding.client_templates.notification_texts import write_notification_field, write_notifications
from governance.onboarding.client_templates.schemas import DifferenceView, ItemView, PartView
from governance.onboarding.client_templates.states import DRIFTING, ItemKind, ItemState
from governance.policies.elements import load_elements
from governance.policies.sentences import RuleWriter, build_writer

_DIFFERING: Final = {
    ItemKind.CONTRACT: NN_("{number} contract", "{number} contracts"),
    ItemKind.RULE: NN_("{number} rule", "{number} rules"),
    ItemKind.CHECK: NN_("{number} go-live check", "{number} go-live checks"),
    ItemKind.PLAN: NN_("{number} plan", "{number} plans"),
    ItemKind.PRICE: NN_("{number} price", "{number} prices"),
    ItemKind.LADDER: NN_("{number} escalation ladder", "{number} escalation ladders"),
    ItemKind.BRAND: NN_("{number} brand", "{number} brands"),
    ItemKind.NOTIFICATIONS: NN_("{number} set of default notifications", "{number} sets of default notifications"),
}
_WAITING: Final = NN_("{number} item waits for a connection.", "{number} items wait for connections.")


class ItemWriter:
    """Writes items; built by `item_writer`."""

    def __init__(self, rules: RuleWriter) -> None:
        self._rules = rules

    def part(self, part: Part) -> PartView:
        kind, key, label, detail = self._describe(part)
        return PartView(key=key, kind=kind, kind_label=translate(kind.label), label=label, detail=detail)

    def item(self, item: ComparedItem) -> ItemView:
        kind, key, label, detail = self._describe(item.wanted)
        return ItemView(
            key=item.key or key, kind=kind, kind_label=translate(kind.label), label=label, detail=detail,
            connector=item.wanted.kind if isinstance(item.wanted, TemplateConnection) else "",
            state=item.state, state_label=translate(item.state.label),
            differences=[
                DifferenceView(one.name, translate(FIELDS[one.name]), self._value(one.own), self._value(one.template))
                for one in item.differences
            ],
        )  # fmt: skip

    def _describe(self, part: Part) -> tuple[ItemKind, str, str, str]:
        if isinstance(part, TemplateConnection):
            title = connector_titles().get(part.kind, part.kind)
            return ItemKind.CONNECTION, connection_key(part.name), part.name, title
        if isinstance(part, TemplateContract):
            source = translate(N_("people and API clients")) if part.source is None else part.source
            label = write_element(part.element)
            if part.selector:
                label = f"{label} · {write_selector(part.selector)}"
            detail = f"{source} · {part.owner}"
            if part.channels is not None:
                detail = f"{detail} · {write_channels(Channels(part.channels))}"
            return ItemKind.CONTRACT, part.key, label, detail
        if isinstance(part, TemplateRule):
            return ItemKind.RULE, part.key, self._value(part), part.description
        if isinstance(part, TemplateWaiver):
            return ItemKind.CHECK, part.key, translate(part.check.label), part.reason
        return self._describe_setting(part)

    def _describe_setting(
        self, part: TemplatePlan | TemplatePrice | TemplateLadder | TemplateBrand | TemplateNotifications
    ) -> tuple[ItemKind, str, str, str]:
        if isinstance(part, TemplateNotifications):
            kind = ItemKind.NOTIFICATIONS
            return kind, part.key, translate(kind.label), write_notifications(part)
        if isinstance(part, TemplateBrand):
            return ItemKind.BRAND, part.key, translate(ItemKind.BRAND.label), write_brand(part)
        if isinstance(part, TemplatePlan):
            return ItemKind.PLAN, part.key, f"{part.code} × {part.quantity}", write_add_ons(part.add_ons)
        if isinstance(part, TemplatePrice):
            return ItemKind.PRICE, part.key, part.description, self._value(part)
        return ItemKind.LADDER, part.key, translate(ItemKind.LADDER.label), write_steps(part.steps)

    def _value(self, value: Any) -> str:
        match value:
            case timedelta():
                said = current_localizer().duration(value)
            case TemplateRule():
                said = self._rules.write(value.rule()).sentence
            case Sensitivity() | Workflow():
                said = translate(value.label)
            case TemplatePrice():
                said = write_price(value.terms, value.currency)
            case Channels() | NotificationField():
                said = write_field(value)
            case {}:
                said = write_add_ons(value)
            case [*steps]:
                said = write_steps(steps)
            case "":
                said = "–"
            case None:
                said = translate(N_("people and API clients"))
            case _:
                said = str(value)
        return said


def write_field(field: Channels | NotificationField) -> str:
    return write_channels(field) if isinstance(field, Channels) else write_notification_field(field)


def write_channels(channels: Channels) -> str:
    if channels.names is None:
        return translate(N_("Every channel that can show it"))
    if not channels.names:
        return translate(N_("No channel"))
    return translate(N_("Only {channels}"), channels=current_localizer().join(list(channels.names)))


def write_add_ons(add_ons: Mapping[str, int]) -> str:
    return current_localizer().join([f"{code} × {count}" for code, count in sorted(add_ons.items())])


def write_brand(brand: TemplateBrand) -> str:
    """The parts of a brand, such as “Name: Harbour Retail, brand colour: #14532d”."""
    return "; ".join(f"{translate(FIELDS[name])}: {value}" for name, value in brand.given.items())


def write_steps(steps: Sequence[EscalationStep]) -> str:
    """The steps of an escalation ladder, such as “An approval waits: Approver after 4 h; …”."""
    duration = current_localizer().duration
    return "; ".join(
        translate(
            N_("{subject}: {role} after {time}"),
            subject=translate(one.subject.label),
            role=label_of(one.role, {}, one.role_name),
            time=duration(timedelta(minutes=one.after_minutes)),
        )
        for one in steps
    )


async def item_writer(session: AsyncSession, content: Iterable[TemplateRule]) -> ItemWriter:
    """A writer for items with these rules among them."""
    rules = [one.rule() for one in content]
    return ItemWriter(await build_writer(session, await load_elements(session), rules))


async def write_items(session: AsyncSession, items: Sequence[ComparedItem]) -> list[ItemView]:
    rules = [one.wanted for one in items if isinstance(one.wanted, TemplateRule)]
    own = [each.own for one in items for each in one.differences if isinstance(each.own, TemplateRule)]
    writer = await item_writer(session, [*rules, *own])
    return [writer.item(one) for one in items]


async def write_content(session: AsyncSession, content: TemplateContent) -> list[PartView]:
    writer = await item_writer(session, content.rules)
    parts: list[Part] = [*content.connections, *content.contracts, *content.rules, *content.waivers, *content.prices]
    parts += [one for one in (content.plan, content.ladder, content.brand, content.notifications) if one is not None]
    return [writer.part(one) for one in parts]


def summarize(items: Iterable[ComparedItem], version: int) -> str:
    """Summary of the differences, such as “Differs from version 3 in 2 contracts and 1 rule.”"""
    localizer, items = current_localizer(), list(items)
    counts = Counter(one.kind for one in items if one.state in DRIFTING)
    parts = [localizer.count(*forms, counts[kind]) for kind, forms in _DIFFERING.items() if counts[kind]]
    waiting = sum(one.state is ItemState.WAITING for one in items)
    said = (
        translate(N_("Differs from version {number} in {what}."), number=version, what=localizer.join(parts))
        if parts
        else translate(N_("As in version {number}."), number=version)
    )
    if waiting:
        said = f"{said} {localizer.count(*_WAITING, waiting)}"
    return said
