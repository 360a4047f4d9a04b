"""Form of a proposal: the elements that people can set, and the values of its fields."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.dimensions import LABELS, UNDIVIDED, InvalidDimension, dimension_of, parse_dimension, part_of
from canonical.elements import ElementType, element_type
from canonical.keys import ElementKey
from canonical.values import MoneyValue, Value, value_json
from foundation.errors import InvalidInput
from foundation.i18n.localizer import current_localizer
from foundation.i18n.messages import text_of
from foundation.marks import N_
from governance.elements.repository import load_contracts
from governance.elements.rows import Contract
from governance.elements.selectors import PREFIXED
from governance.inputs import check_text, read_local_time
from governance.labels import write_dimension, write_element
from governance.proposals.typed_value import TYPED, read_typed
from governance.records.repository import load_values

Typed = Mapping[str, str]
_PART: Final = "dim_"
"""Prefix of the fields of a dimension's parts."""


class Choice(msgspec.Struct, frozen=True):
    """An element that people set, all of it or the part that a contract selects. `fixed` are that part's values,
    `prefix` the beginning of its record keys.
    """

    element: ElementType
    selector: str
    label: str
    fixed: Mapping[str, str]
    prefix: str = ""

    @property
    def code(self) -> str:
        return f"{self.element.code}|{self.selector}"

    @property
    def parts(self) -> Sequence[str]:
        """Names of the parts that may be typed."""
        return [name for name in self.element.dimensions if name not in self.fixed]


class TypedProposal(msgspec.Struct, frozen=True):
    key: ElementKey
    value: Value
    note: str
    effective_at: datetime | None

    @property
    def content(self) -> str:
        """The form's content as one text. Only content that was previewed is sent."""
        return f"{self.key.joined('|')}|{value_json(self.value)}|{self.effective_at or ''}"


async def list_choices(session: AsyncSession) -> Sequence[Choice]:
    """Choices of this account: elements whose contract names no connected system."""
    found = [one for contract in await load_contracts(session) if (one := _choice(contract)) is not None]
    return sorted(found, key=lambda one: one.label)


def choose(choices: Sequence[Choice], typed: Typed) -> Choice | None:
    """The choice of the form: by its code; by the element, and the selector that the dimension or record fits; or the
    only one.
    """
    if len(choices) == 1 and not typed.get("choice") and not typed.get("element"):
        return choices[0]
    wanted, key = typed.get("choice", ""), typed.get("record_key", "")
    exact = next((one for one in choices if one.code == wanted), None)
    if exact is not None or not typed.get("element"):
        return exact
    parts = typed.get("dimension", "").split(",")
    fitting = [one for one in choices if one.element.code == typed["element"]]
    selecting = [one for one in fitting if one.selector in parts or (one.prefix and key.startswith(one.prefix))]
    return next(iter([*selecting, *(one for one in fitting if not one.selector)]), None)


def fields_of(typed: Typed) -> dict[str, str]:
    """The form's fields; a canonical `dimension` in an address fills those of its parts."""
    fields = dict(typed)
    try:
        parts = parse_dimension(typed.get("dimension", UNDIVIDED))
    except InvalidDimension:
        return fields
    return {f"{_PART}{name}": value for name, value in parts} | fields


async def read_form(session: AsyncSession, choice: Choice, typed: Typed, *, currency: str) -> TypedProposal:
    """Parse the form. `currency`: the client's, for amounts without a currency. Raises InvalidInput."""
    record_key = check_text(typed.get("record_key", ""), "record_key")
    if not record_key:
        raise InvalidInput(N_("Enter the record’s key, such as its SKU."), field="record_key")
    key = ElementKey(record_key, choice.element.code, _dimension(choice, typed), choice.element.record_type)
    usual = part_of(key.dimension, "currency") or await _currency_of(session, key) or currency
    value = read_typed(choice.element, typed.get("value", ""), current_localizer(), currency=usual)
    at = typed.get("effective_at", "").strip()
    note = check_text(typed.get("note", ""), "note")
    return TypedProposal(key, value, note, read_local_time(at, "effective_at") if at else None)


def _choice(contract: Contract) -> Choice | None:
    element = contract.declared or element_type(contract.element)
    if contract.source_connection_id is not None or element is None or element.value_type not in TYPED:
        return None
    label = write_element(element.code) if contract.declared is None else element.label
    if contract.selector.startswith(PREFIXED):
        prefix = contract.selector[len(PREFIXED) : -1]
        return Choice(element, contract.selector, f"{label} · {prefix}*", {}, prefix)
    fixed = dict(parse_dimension(contract.selector))
    part = f" · {write_dimension(contract.selector)}" if fixed else ""
    return Choice(element, contract.selector, f"{label}{part}", fixed)


def _dimension(choice: Choice, typed: Typed) -> str:
    given = {name: check_text(typed.get(f"{_PART}{name}", ""), f"{_PART}{name}") for name in choice.parts}
    parts = {name: value for name, value in given.items() if value} | dict(choice.fixed)
    if "currency" in parts:
        parts["currency"] = parts["currency"].upper()
    try:
        return dimension_of(parts)
    except InvalidDimension as problem:
        field = next((f"{_PART}{name}" for name in LABELS if given.get(name)), "record_key")
        raise InvalidInput(text_of(problem), field=field) from problem


async def _currency_of(session: AsyncSession, key: ElementKey) -> str:
    """Currency of the approved value."""
    row = (await load_values(session, [key], lock=False)).get(key)
    return row.value.currency if row is not None and isinstance(row.value, MoneyValue) else ""
