"""Elements that rules can name: the product's, the account's own and its MSP's."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.elements import ELEMENTS
from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from policy.rule_form import GovernedElement
from policy.rules import PolicyRule, RuleKind


async def load_elements(session: AsyncSession) -> dict[str, GovernedElement]:
    """Elements by code, with labels in the reader's language. Includes retired elements, which published rules name."""
    rows = await session.execute(
        text("""
            SELECT code, label, value_type, dimensions, retired_at IS NOT NULL AS is_retired FROM custom_element
             WHERE tenant_id IN (:t, :m) ORDER BY code
        """),
        {"t": scope_of(session).tenant_id, "m": scope_of(session).msp_id},
    )
    known = {
        each.code: GovernedElement(each.code, translate(each.label), each.value_type, each.dimensions)
        for each in ELEMENTS.values()
    }
    return known | {
        row.code: GovernedElement(row.code, row.label, row.value_type, tuple(row.dimensions), row.is_retired)
        for row in rows
    }


def is_about_retired(rule: PolicyRule, elements: Mapping[str, GovernedElement]) -> bool:
    """Whether a governance rule names an element that is retired, so that nothing is decided by it any more."""
    element = elements.get(rule.obj)
    return rule.ptype is RuleKind.GOVERNANCE and element is not None and element.is_retired


def find_element(elements: Mapping[str, GovernedElement], code: str) -> GovernedElement:
    """The element for a new or edited rule. Raises InvalidInput: the element is unknown or retired."""
    found = elements.get(code)
    if found is None:
        raise InvalidInput(
            N_("There is no element {code}. Declare it first, or correct its code."),
            params={"code": repr(code[:40])},
            field="element",
        )
    if found.is_retired:
        raise InvalidInput(
            N_("{label} is retired, so rules about it have no effect. Choose another element."),
            params={"label": found.label},
            field="element",
        )
    return found
