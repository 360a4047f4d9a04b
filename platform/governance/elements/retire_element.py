"""Retirement of a custom element: its contracts end, and no new values are accepted.

The declaration and the contracts stay as rows: running changes, approvals and deliveries are completed by them, history
uses the element's label, and no other element can have the name. A contract ends with the retirement of its element
(`elements.contracts`), also that of an MSP's client, whose rows the MSP's transaction cannot write.
"""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, NotFound
from foundation.marks import N_
from foundation.reasons import clean_reason
from governance.audit_actions import GovernanceAction
from governance.elements.declarations import find_declaration, lock_code
from governance.elements.repository import list_contracts_of, lock_contracts


async def retire_element(session: AsyncSession, *, code: str, reason: str, now: datetime) -> int:
    """Retire a custom element of this account. Returns how many contracts of the account end with it; those of an MSP's
    clients are not counted.

    Later values for it are held, as values without a contract are (`elements.held_observations`).

    Raises:
        InvalidInput: the reason is empty or too long.
        NotFound: nobody declared the element for this account.
        Conflict: it is the MSP's, or it is retired already.
    """
    kept_reason, scope = clean_reason(reason), scope_of(session)
    declared = await find_declaration(session, code)
    if declared is None:
        raise NotFound(N_("This account has no custom element with this code."))
    await lock_code(session, code)
    await lock_contracts(session)  # no batch of observations is decided by contracts that are ending
    await session.refresh(declared)
    if declared.tenant_id != scope.tenant_id:
        raise Conflict(
            N_(
                "Your service provider declares this element for all its clients, so only your service "
                "provider can retire it."
            )
        )
    if declared.retired_at is not None:
        raise Conflict(N_("This element is retired already."))
    declared.retired_at, declared.retired_by = now, scope.actor.name
    await session.flush()
    ended = len(await list_contracts_of(session, code))
    data = {"label": declared.label, "contracts": ended, "reason": kept_reason}
    append_audit(session, action=GovernanceAction.ELEMENT_RETIRED, subject=f"element:{code}", data=data, at=now)
    return ended
