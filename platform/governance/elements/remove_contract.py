"""Removal of a contract with a selector: its values are assigned to the element's default contract."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from connectors.poll_job import move_poll
from foundation.audit.chain import append_audit
from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.marks import N_
from foundation.text import is_storable
from governance.audit_actions import GovernanceAction
from governance.elements.declarations import dimensions_of
from governance.elements.held_observations import schedule_release
from governance.elements.models import ElementContract
from governance.elements.repository import list_contracts_of, lock_contracts, moved_records
from governance.elements.selectors import DEFAULT, parse_selector


async def remove_contract(session: AsyncSession, *, element: str, selector: str, now: datetime) -> ElementContract:
    """Remove the contract and return the default one, which applies to its values from now on. Approved values stay as
    they are, as in `publish_contract`. `selector`: as a person writes it, as there.

    Raises:
        InvalidInput: the default contract of an element cannot be removed; or the selector is invalid.
        NotFound: no contract of the element has this selector.
        Conflict: the element has no default contract, so nobody would own the values.
    """
    if not is_storable(element):  # so no contract is of it
        raise NotFound
    await lock_contracts(session)
    known = {each.selector: each for each in await list_contracts_of(session, element)}
    if selector not in known:
        selector = parse_selector(selector, dimensions=await dimensions_of(session, element))
    if selector == DEFAULT:
        raise InvalidInput(
            N_("Only a contract with a selector can be removed. To change this one, publish it again."),
            field="selector",
        )
    contract, following = known.get(selector), known.get(DEFAULT)
    if contract is None:
        raise NotFound(N_("This element has no contract with this selector."))
    if following is None:
        raise Conflict(N_("This element has no default contract, so nobody would own these values. Publish one first."))
    await session.delete(contract)
    await session.flush()
    before, source = contract.source_connection_id, following.source_connection_id
    if before is not None and source is not None and before != source:
        await move_poll(session, source, old=before, at=now)
    await schedule_release(session)
    data: dict[str, object] = {"selector": selector, "source": None if source is None else str(source)}
    if before != source:
        data |= await moved_records(session, following, before=before)
    append_audit(session, action=GovernanceAction.CONTRACT_REMOVED, subject=f"contract:{element}", data=data, at=now)
    return following
