"""A replay of recorded changes by a draft policy, a million by default: changes per second, and the worker's memory.

FAIRLEAD_BENCH_REPLAY sets another number of changes. Memory is the worker's resident set, at a tenth and at the end.
"""

import os
from pathlib import Path
from typing import Final

from canonical.elements import PRICE
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.policies.drafts import put_rule
from governance.policies.replay_job import start_replay
from governance.services import GovernanceServices
from policy.rule_form import RuleForm, RuleOutcome
from policy.terms import Term, TermKind
from tests.benchmarks.recorded import record_changes
from tests.benchmarks.rig import Client, Rig, clients_at_work, running_rig
from tests.benchmarks.table import Row, at_most

CHANGES: Final = int(os.environ.get("FAIRLEAD_BENCH_REPLAY", "1_000_000"))
_DRAFTED: Final = RuleForm(
    element=PRICE, outcome=RuleOutcome.REVIEW, terms=(Term(TermKind.CHANGE_PERCENT, "more_than", ("2",)),)
)
_REPLAYED: Final = "SELECT coalesce(sum(replayed), 0) FROM policy_replay"


def run() -> list[Row]:
    with running_rig() as rig:
        client = clients_at_work(rig, 1, skus=20)[0]
        with rig.owner() as owner:
            record_changes(owner, [client.scope.tenant_id], like=client.scope.tenant_id, each=CHANGES)
            owner.execute("VACUUM ANALYZE")
        rig.run(lambda services: _start(services, client))
        first = rig.wait(_REPLAYED, CHANGES // 10, seconds=600)
        early = _resident(rig)
        ended = rig.wait(_REPLAYED, CHANGES, seconds=1_800)
        late = _resident(rig)
    rate = CHANGES * 0.9 / (ended - first)
    return [
        Row(f"replay of {CHANGES:,} recorded changes by a draft: changes/s", f"{rate:,.0f}"),
        Row(
            "the workers' memory at its end ÷ after a tenth",
            f"{late / early:.2f} ({late / 1e6:.0f} / {early / 1e6:.0f} MB)",
            at_most(1.2, late / early),
        ),
    ]


async def _start(services: Services, client: Client) -> None:
    member = Scope(client.scope.msp_id, client.scope.tenant_id, Actor("member", str(new_id()), "Ada"))
    async with services.db.transaction(member) as session:
        await put_rule(session, _DRAFTED, now=utc_now(), new_id=new_id)
    async with services.db.transaction(member) as session:
        await start_replay(session, services.get(GovernanceServices), days=30, now=utc_now())


def _resident(rig: Rig) -> int:
    """Bytes of both workers."""
    pids = [pid for name in ("worker", "bulk-worker") if (pid := rig.stack.supervisor.pid(name)) is not None]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")
