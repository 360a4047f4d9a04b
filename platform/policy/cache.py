"""Cache of compiled policies of a process. Created and injected by the composition root."""

from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.scope import Scope
from policy.index import PolicyIndex
from policy.packaged import system_rules
from policy.publishing import load_index
from policy.repository import fetch_state
from policy.rules import PolicyRule


class PolicyCache:
    """Compiled policies by tenant, evicted least recently used first.

    An index is used only while its stamp is the tenant's latest, which is read in the caller's transaction: a change of
    policy or role takes effect in the next transaction of every process, without any invalidation message.
    """

    def __init__(self, packaged: Sequence[PolicyRule] | None = None, *, capacity: int = 5_000) -> None:
        """`packaged` are the rules that hold in every account; by default those of `policy.packaged`."""
        self.packaged = system_rules() if packaged is None else tuple(packaged)
        self._capacity = capacity
        self._held: OrderedDict[UUID, PolicyIndex] = OrderedDict()

    async def index_for(self, session: AsyncSession, scope: Scope) -> PolicyIndex:
        """The tenant's current index: one indexed lookup, and a compilation after a change."""
        state = await fetch_state(session, scope)
        return await self.index_at(session, scope, stamp=state.stamp)

    async def index_at(self, session: AsyncSession, scope: Scope, *, stamp: UUID | None) -> PolicyIndex:
        """The index of a stamp that the caller has read in this transaction: no query while the index is cached."""
        held = self._held.get(scope.tenant_id)
        if held is None or held.stamp != stamp:
            held = await load_index(session, scope, packaged=self.packaged)
            self._held[scope.tenant_id] = held
            if len(self._held) > self._capacity:
                self._held.popitem(last=False)
        self._held.move_to_end(scope.tenant_id)
        return held
