"""Declaration of a custom element: a client's own, with the contract that admits its values, or an MSP's for all its
clients, each of which publishes its own contract.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from canonical.dimensions import LABELS
from canonical.elements import CUSTOM
from canonical.values import VALUE_TYPES, EnumerationValue, InvalidValue
from connectors.connections import get_connection
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.i18n.messages import text_of
from foundation.marks import N_
from foundation.names import clean_name
from governance.audit_actions import GovernanceAction
from governance.elements.declarations import find_declaration, is_declared_by_a_client, lock_code
from governance.elements.models import CustomElement
from governance.elements.publish_contract import publish_contract
from governance.elements.schemas import NewElement

_PROPAGATION_SLO: Final = timedelta(seconds=30)
_CORRECTION_SLO: Final = timedelta(hours=4)


async def create_element(session: AsyncSession, new: NewElement, *, now: datetime) -> str:
    """Declare a custom element, and of a client's account publish its contract. Returns its code.

    Raises:
        InvalidInput: an unknown type or dimension, codes of another type than an enumeration, a label without visible
            text, or a source for an MSP's element.
        NotFound: no such connection in this account.
        Conflict: the account, its MSP or one of the MSP's clients has an element of this name.
    """
    _check(new)
    scope, code = scope_of(session), f"{CUSTOM}{new.name}"
    label = clean_name(new.label, field="label")
    is_msps = scope.tenant_id == scope.msp_id
    if new.source_connection_id is not None:
        await _check_source(session, new.source_connection_id, is_msps=is_msps)
    await _require_free(session, code, is_msps=is_msps)
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
    if not is_msps:
        await publish_contract(
            session, element=code, source_connection_id=new.source_connection_id, owner=new.owner, now=now,
            propagation_slo=_PROPAGATION_SLO, correction_slo=_CORRECTION_SLO,
        )  # fmt: skip
    return code


async def _check_source(session: AsyncSession, connection_id: UUID, *, is_msps: bool) -> None:
    if is_msps:
        raise InvalidInput(
            N_("An element for all clients has no source here. Each client's contract names its own."),
            field="source_connection_id",
        )
    found = await get_connection(session, connection_id)
    if not found.is_source:
        raise InvalidInput(
            N_("“{name}” is a channel. Choose the system that owns the values."),
            params={"name": found.name},
            field="source_connection_id",
        )


async def _require_free(session: AsyncSession, code: str, *, is_msps: bool) -> None:
    """Raises Conflict when the code would have two declarations in some account."""
    await lock_code(session, code)
    found = await find_declaration(session, code)
    if found is not None and found.retired_at is not None:
        raise Conflict(
            N_("{code} is the name of a retired element, under which its values stay readable. Choose another name."),
            params={"code": code},
        )
    if found is not None and found.tenant_id != scope_of(session).tenant_id:
        raise Conflict(
            N_(
                "Your service provider already declares {code} for all its clients. Use that element, or choose another"
                " name."
            ),
            params={"code": code},
        )
    if found is not None:
        raise Conflict(N_("This account has an element {code} already. Choose another name."), params={"code": code})
    if is_msps and await is_declared_by_a_client(session, code):
        raise Conflict(
            N_("At least one of your clients has its own element {code}. Choose another name."), params={"code": code}
        )


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
            raise InvalidInput(text_of(problem), field="codes") from problem
