"""Values at the start of the month, which rules about the change within the month compare with: a batch of 200 keys
beside the same values read without the month, in turns.

The second row is the slowest path: values approved in this month by an earlier release, which did not store the value
at its start. That value is read from the recorded changes.
"""

import statistics
import time
from types import SimpleNamespace
from typing import Any, Final, cast

from sqlalchemy import text

from canonical.elements import PRICE
from controlplane.services import Services
from foundation.clock import utc_now
from governance.changes.month_values import load_month_values
from governance.records.keys import KEY_SET, key_binds, key_columns, key_of, same_key, sorted_keys
from policy.facts import MONTH_FACT
from policy.index import PolicyIndex
from tests.benchmarks.recorded import record_changes
from tests.benchmarks.rig import Client, clients_at_work, running_rig
from tests.benchmarks.table import Aim, Row, at_most

SKUS: Final = 1_000
CHANGES: Final = 100_000
BATCH: Final = 200
ROUNDS: Final = 50
_NAMED: Final = cast("PolicyIndex", SimpleNamespace(facts={PRICE: (MONTH_FACT,)}))
_KEYS: Final = (
    f"SELECT {key_columns('v')} FROM record_value v WHERE v.element = :element ORDER BY random() LIMIT {BATCH}"
)
_PLAIN: Final = text(f"""
    SELECT {key_columns("k")}, v.value FROM {KEY_SET} JOIN record_value v ON v.tenant_id = :t AND {same_key("v", "k")}
""")


def run() -> list[Row]:
    with running_rig() as rig:
        client = clients_at_work(rig, 1, skus=SKUS)[0]
        with rig.owner() as owner:
            record_changes(owner, [client.scope.tenant_id], like=client.scope.tenant_id, each=CHANGES)
            owner.execute("VACUUM ANALYZE")
        kept = rig.run(lambda services: _measure(services, client))
        with rig.owner() as owner:
            owner.execute("UPDATE record_value SET adopted_at = now(), month_value = NULL")
            owner.execute("VACUUM ANALYZE record_value")
        recorded = rig.run(lambda services: _measure(services, client))
    return [
        Row(f"values at the start of the month, {BATCH} keys ÷ without the month", _ratio(*kept), _aim(*kept)),
        Row(f"the same, read from {CHANGES:,} changes", _ratio(*recorded)),
    ]


def _ratio(month: float, plain: float) -> str:
    return f"{month / plain:.2f} ({month * 1000:.1f} / {plain * 1000:.1f} ms)"


def _aim(month: float, plain: float) -> Aim:
    return at_most(2.0, month / plain)


async def _measure(services: Services, client: Client) -> tuple[float, float]:
    """Seconds of a batch with and without the month, medians."""
    spent: tuple[list[float], list[float]] = ([], [])
    async with services.db.transaction(client.scope) as session:
        rows: Any = await session.execute(text(_KEYS), {"element": PRICE})
        keys = [key_of(row) for row in rows]
        assert len(keys) == BATCH
        now, binds = utc_now(), {"t": client.scope.tenant_id, **key_binds(sorted_keys(keys))}
        for _ in range(ROUNDS):
            began = time.perf_counter()
            found = await load_month_values(session, _NAMED, keys, now)
            between = time.perf_counter()
            plain = (await session.execute(_PLAIN, binds)).all()
            spent[1].append(time.perf_counter() - between)
            spent[0].append(between - began)
            assert len(found) == len(plain) == BATCH
    return statistics.median(spent[0]), statistics.median(spent[1])
