"""Items of templates in the reader's language."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.i18n.localizer import current_localizer, translate
from foundation.marks import N_, NN_
from governance.elements.schemas import Sensitivity
from governance.elements.selector_labels import write_selector
from governance.labels import write_element
from governance.onboarding.client_templates.compare import FIELDS, ComparedItem, Part
from governance.onboarding.client_templates.content import (
    TemplateConnection,
    TemplateContent,
    TemplateContract,
    TemplateRule,
    connection_key,
)
from governance.onboarding.client_templates.schemas import DifferenceView, ItemView, PartView
from governance.onboarding.client_templates.states import DRIFTING, ItemKind, ItemState
from governance.policies.elements import load_elements
from governance.policies.sentences import RuleWriter, build_writer

_DIFFERING: Final = {
    ItemKind.CONTRACT: NN_("{number} contract", "{number} contracts"),
    ItemKind.RULE: NN_("{number} rule", "{number} rules"),
    ItemKind.CHECK: NN_("{number} go-live check", "{number} go-live checks"),
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
            state=item.state, state_label=translate(item.state.label),
            differences=[
                DifferenceView(one.name, translate(FIELDS[one.name]), self._value(one.own), self._value(one.template))
                for one in item.differences
            ],
        )  # fmt: skip

    def _describe(self, part: Part) -> tuple[ItemKind, str, str, str]:
        if isinstance(part, TemplateConnection):
            return ItemKind.CONNECTION, connection_key(part.name), part.name, part.kind
        if isinstance(part, TemplateContract):
            source = translate(N_("people and API clients")) if part.source is None else part.source
            label = write_element(part.element)
            if part.selector:
                label = f"{label} · {write_selector(part.selector)}"
            return ItemKind.CONTRACT, part.key, label, f"{source} · {part.owner}"
        if isinstance(part, TemplateRule):
            return ItemKind.RULE, part.key, self._value(part), part.description
        return ItemKind.CHECK, part.key, translate(part.check.label), part.reason

    def _value(self, value: Any) -> str:
        if isinstance(value, timedelta):
            return current_localizer().duration(value)
        if isinstance(value, TemplateRule):
            return self._rules.write(value.rule()).sentence
        if isinstance(value, Sensitivity):
            return translate(value.label)
        return translate(N_("people and API clients")) if value is None else str(value)


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
    parts: list[Part] = [*content.connections, *content.contracts, *content.rules, *content.waivers]
    return [writer.part(one) for one in parts]


def summarize(items: Iterable[ComparedItem], version: int) -> str:
    """“Differs from version 3 in 2 contracts and 1 rule.”"""
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
