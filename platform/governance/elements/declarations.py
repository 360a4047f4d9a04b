"""Declarations of custom elements: an account's own, and those that a client inherits from its MSP."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from canonical.dimensions import LABELS
from canonical.elements import ELEMENTS, element_type
from canonical.keys import PRODUCT
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.text import is_storable
from governance.elements.models import CustomElement

DECLARED_BY: Final = "CASE WHEN e.tenant_id = e.msp_id THEN 'msp' ELSE 'client' END"
"""As SQL, of row e of custom_element."""
_OTHERS: Final = " ".join(
    f"WHEN '{each.code}' THEN '{each.record_type}'" for each in ELEMENTS.values() if each.record_type != PRODUCT
)
"""As SQL, cases of the product's own elements."""


def declares(declaration: str, row: str) -> str:
    """As SQL: `declaration`, a row of custom_element, is of the account of `row` or of its MSP."""
    return f"{declaration}.tenant_id IN ({row}.tenant_id, {row}.msp_id)"


def record_type_of(contract: str) -> str:
    """As SQL: the type of the records that the element of `contract` belongs to."""
    return f"""coalesce((SELECT e.record_type FROM custom_element e
                          WHERE {declares("e", contract)} AND e.code = {contract}.element),
                         CASE {contract}.element {_OTHERS} ELSE '{PRODUCT}' END)"""


def is_retired(contract: str) -> str:
    """As SQL: the element of `contract`, or of any row with an element, is retired, so that a contract has ended."""
    return f"""EXISTS (SELECT 1 FROM custom_element retired WHERE {declares("retired", contract)}
                           AND retired.code = {contract}.element AND retired.retired_at IS NOT NULL)"""


RETIRED: Final = """ARRAY(SELECT retired.code FROM custom_element retired
       WHERE retired.tenant_id IN (:t, :m) AND retired.retired_at IS NOT NULL)"""
"""As SQL: codes of the retired elements that the account :t of the MSP :m may have used. Read once a statement."""


async def find_declaration(session: AsyncSession, code: str) -> CustomElement | None:
    """The declaration of a custom element that the account may use."""
    if not is_storable(code):
        return None
    scope = scope_of(session)
    return await session.scalar(
        select(CustomElement).where(
            CustomElement.tenant_id.in_((scope.tenant_id, scope.msp_id)), CustomElement.code == code
        )
    )


async def dimensions_of(session: AsyncSession, element: str) -> Sequence[str]:
    """Dimensions that may divide the element's values; any dimension for an undeclared element."""
    if (known := element_type(element)) is not None:
        return known.dimensions
    declared = await find_declaration(session, element)
    return tuple(LABELS) if declared is None else declared.dimensions


async def lock_code(session: AsyncSession, code: str) -> None:
    """Lock the code among all accounts of the MSP, so that two of them do not declare it at once."""
    await lock(session, f"element|{scope_of(session).msp_id}|{code}")


async def is_declared_by_a_client(session: AsyncSession, code: str) -> bool:
    """Whether any client of the MSP declares the code itself. In the MSP account, which alone sees their rows."""
    scope = scope_of(session)
    return bool(
        await session.scalar(
            text("SELECT EXISTS (SELECT 1 FROM custom_element WHERE msp_id = :m AND code = :code AND tenant_id <> :m)"),
            {"m": scope.msp_id, "code": code},
        )
    )
