"""Compiled policies of this process. The composition root makes one and passes it."""

from collections import OrderedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.scope import Scope
from policy.index import PolicyIndex
from policy.publishing import load_index
from policy.repository import fetch_state


class PolicyCache:
    """Least recently used tenants leave first.

    An index is used only while its stamp is the tenant's last one, which is looked up in the caller's transaction: a
    change of policy or role is effective in the next transaction of every process, without a message to any.
    """

    def __init__(self, *, capacity: int = 5_000) -> None:
        self._capacity = capacity
        self._held: OrderedDict[UUID, PolicyIndex] = OrderedDict()

    async def index_for(self, session: AsyncSession, scope: Scope) -> PolicyIndex:
        """One indexed lookup, and a compilation after a change."""
        state = await fetch_state(session, scope)
        return await self.index_at(session, scope, stamp=state.stamp)

    async def index_at(self, session: AsyncSession, scope: Scope, *, stamp: UUID | None) -> PolicyIndex:
        """For callers that have read the stamp with something else in this transaction: no query while it is held."""
        held = self._held.get(scope.tenant_id)
        if held is None or held.stamp != stamp:
            held = await load_index(session, scope)
            self._held[scope.tenant_id] = held
            if len(self._held) > self._capacity:
                self._held.popitem(last=False)
        self._held.move_to_end(scope.tenant_id)
        return held
