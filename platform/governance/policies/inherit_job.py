"""Job that applies an MSP's governance rules to its clients: one transaction per client, without effect if nothing has
changed.
"""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, scope_of
from foundation.jobs.batch import Batch
from foundation.jobs.enqueue import NewJob, enqueue
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from foundation.scope import Scope
from governance.each_client import act_on_each_client
from governance.policies.job_types import INHERIT_LANE, INHERIT_POLICY
from governance.services import GovernanceServices
from policy.history import load_rules
from policy.inheritance import inherit
from policy.publishing import publish_rules
from policy.repository import lock_policy
from policy.rules import PolicyRule


def request_inheritance(session: AsyncSession) -> None:
    """Apply the MSP's rules to all its clients, after this transaction. `session` is in the MSP account."""
    enqueue(session, [NewJob(INHERIT_LANE, INHERIT_POLICY, key="policy")])


def inherit_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def inherit_policy(batch: Batch[NoPayload]) -> None:
        version, rules = await read_msp_rules(services.database, batch.scope)
        await act_on_each_client(services, batch, lambda session: _inherit(session, services, rules, version))

    return inherit_policy


async def read_msp_rules(db: Database, scope: Scope) -> tuple[int, list[PolicyRule]]:
    """Version and rules of the MSP of `scope`, in a transaction of its own: they belong to another account."""
    async with db.transaction(replace(scope, tenant_id=scope.msp_id, partner_id=None, fleet=False)) as session:
        return await load_rules(session, scope_of(session))


async def _inherit(session: AsyncSession, services: GovernanceServices, rules: list[PolicyRule], version: int) -> None:
    scope = scope_of(session)
    await lock_policy(session, scope)
    _, known = await load_rules(session, scope)
    await publish_rules(
        session, scope, rules=inherit(known, rules), clock=services.clock, new_id=services.new_id,
        packaged=services.policies.packaged, inherits=version,
    )  # fmt: skip
