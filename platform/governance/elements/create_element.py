"""Declaration of a client's own element, with the contract that lets its values in."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.dimensions import LABELS
from canonical.elements import CUSTOM
from canonical.values import VALUE_TYPES, EnumerationValue, InvalidValue
from connectors.connections import get_connection
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.marks import N_
from foundation.names import clean_name
from governance.audit_actions import GovernanceAction
from governance.elements.models import CustomElement
from governance.elements.publish_contract import publish_contract
from governance.elements.schemas import NewElement

_PROPAGATION_SLO: Final = timedelta(seconds=30)
_CORRECTION_SLO: Final = timedelta(hours=4)


async def create_element(session: AsyncSession, new: NewElement, *, now: datetime) -> str:
    """Declare a custom element and publish its contract. Returns its code.

    Raises:
        InvalidInput: an unknown type or dimension, codes of another type than an enumeration, or a label that says
            nothing.
        NotFound: no such connection in this account.
        Conflict: the account has an element of this name.
    """
    _check(new)
    scope, code = scope_of(session), f"{CUSTOM}{new.name}"
    label = clean_name(new.label, field="label")
    if new.source_connection_id is not None:
        found = await get_connection(session, new.source_connection_id)
        if not found.is_source:
            raise InvalidInput(
                N_("“{name}” is a channel. Choose the system that owns the values."),
                params={"name": found.name},
                field="source_connection_id",
            )
    if await session.get(CustomElement, (scope.tenant_id, code)) is not None:
        raise Conflict(N_("This account has an element {code} already. Choose another name."), params={"code": code})
    session.add(
        CustomElement(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, code=code, label=label, domain=new.domain,
            record_type=new.record_type, value_type=new.value_type, dimensions=sorted(set(new.dimensions)),
            codes=list(dict.fromkeys(new.codes)), distributed=new.distributed, created_at=now,
            created_by=scope.actor.name,
        )
    )  # fmt: skip
    data = {"label": label, "value_type": new.value_type, "record_type": new.record_type}
    append_audit(session, action=GovernanceAction.ELEMENT_CREATED, subject=f"element:{code}", data=data, at=now)
    await session.flush()
    await publish_contract(
        session, element=code, source_connection_id=new.source_connection_id, owner=new.owner, now=now,
        propagation_slo=_PROPAGATION_SLO, correction_slo=_CORRECTION_SLO,
    )  # fmt: skip
    return code


def _check(new: NewElement) -> None:
    if new.value_type not in VALUE_TYPES:
        raise InvalidInput(N_("Choose one of {known}."), params={"known": ", ".join(VALUE_TYPES)}, field="value_type")
    if unknown := [name for name in new.dimensions if name not in LABELS]:
        known = ", ".join(LABELS)
        raise InvalidInput(
            N_("There is no dimension {name}. Choose one of: {known}."),
            params={"name": unknown[0][:40], "known": known},
            field="dimensions",
        )
    if new.codes and new.value_type != "enumeration":
        raise InvalidInput(N_("Only an enumeration has codes."), field="codes")
    for code in new.codes:
        try:
            EnumerationValue(code)
        except InvalidValue as problem:
            raise InvalidInput(str(problem), field="codes") from problem
