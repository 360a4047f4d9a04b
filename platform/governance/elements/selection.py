"""SQL of contracts and the values that they are for; equivalent to `elements.selectors` and `elements.contracts`."""

from typing import Final

from governance.elements.selectors import PREFIXED

_SELECTED: Final = (
    f"CASE WHEN starts_with({{0}}.selector, '{PREFIXED}')"
    f" THEN starts_with({{1}}.record_key, left(substr({{0}}.selector, {len(PREFIXED) + 1}), -1))"
    f" ELSE {{0}}.selector = ANY (string_to_array({{1}}.dimension, ',')) END"
)
"""As SQL: contract {0}, which is not a default one, selects the value of row {1}."""


def is_contract_of(contract: str, row: str, *, element: str = "") -> str:
    """As SQL: `contract`, of the same tenant, is the one for the value of `row`, by its record_key, element and
    dimension; or by another `element` of the same record, as SQL.
    """
    return f"""({contract}.element = {element or f"{row}.element"} AND CASE WHEN {contract}.selector <> ''
        THEN {_SELECTED.format(contract, row)}
        ELSE NOT EXISTS (SELECT 1 FROM element_contract other WHERE other.tenant_id = {contract}.tenant_id
                            AND other.element = {contract}.element AND other.selector <> ''
                            AND {_SELECTED.format("other", row)}) END)"""


def join_selecting(row: str) -> str:
    """As SQL, behind `row` of tenant :t: the contract `own` that selects it, NULL for the default one and for none. A
    join by the element, which costs less for many rows than a look-up for each.
    """
    return f"""LEFT JOIN element_contract own ON own.tenant_id = :t AND own.element = {row}.element
        AND own.selector <> '' AND {_SELECTED.format("own", row)}"""
