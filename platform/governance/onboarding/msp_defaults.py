"""Defaults of an MSP for a new client: rules, dashboard and escalation ladder.

They are read in the MSP's account before the client exists. Saving a default copies it to all existing clients;
`catch_up` applies to a new client the defaults that were saved between the reading and its creation.
"""

from collections.abc import Sequence

import msgspec

from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.ids import NewId
from foundation.scope import Scope
from governance.dashboards.layouts import copy_msp_default, read_msp_default
from governance.dashboards.schemas import TileChoice
from governance.escalations.ladder import copy_msp_ladder, read_msp_ladder
from governance.escalations.schemas import EscalationStep
from governance.policies.inherit_job import read_msp_rules
from policy.history import load_rules
from policy.inheritance import inherit
from policy.publishing import publish_rules
from policy.repository import lock_policy
from policy.rules import PolicyRule


class MspDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """`version`: that of the policy with `rules`. None: the MSP has set none."""

    version: int
    rules: Sequence[PolicyRule]
    dashboard: Sequence[TileChoice] | None
    ladder: Sequence[EscalationStep] | None


async def read_msp_defaults(db: Database, scope: Scope) -> MspDefaults:
    """Read the defaults of the MSP of `scope`, in transactions of the MSP's account."""
    version, rules = await read_msp_rules(db, scope)
    return MspDefaults(
        version=version, rules=rules, dashboard=await read_msp_default(db, scope),
        ladder=await read_msp_ladder(db, scope),
    )  # fmt: skip


async def catch_up(db: Database, scope: Scope, seen: MspDefaults, *, clock: Clock, new_id: NewId) -> None:
    """Apply to the new client of `scope` the defaults that differ from `seen`. They are read again after each change: a
    default saved since the reading may have been copied to the client before this function wrote the earlier one.
    """
    while (latest := await read_msp_defaults(db, scope)) != seen:
        async with db.transaction(scope) as session:
            if latest.version != seen.version:
                await lock_policy(session, scope)
                _, known = await load_rules(session, scope)
                await publish_rules(
                    session, scope, rules=inherit(known, latest.rules), clock=clock, new_id=new_id,
                    inherits=latest.version,
                )  # fmt: skip
            if latest.dashboard != seen.dashboard:
                await copy_msp_default(session, latest.dashboard, now=clock())
            if latest.ladder != seen.ladder:
                await copy_msp_ladder(session, latest.ladder, now=clock())
        seen = latest
