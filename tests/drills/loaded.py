"""A load of one client beside which something goes wrong, and the judgement afterwards."""

from tests.drills.check import Found, check_client, wait_until_settled
from tests.drills.history import Injected
from tests.drills.load import Load
from tests.drills.recovery import measure_recoveries, read_proofs
from tests.drills.site import Site

SKUS = 4000
SETTLE_SECONDS = 150
RECOVERY_SECONDS = 90.0
"""After a fault's end everything that was under way is proven on every channel. How soon is a figure, told by each
test; this bounds what a slow machine may take."""


async def make_load(site: Site) -> Load:
    await site.wait_until_ready()
    return Load(await site.add_client(skus=SKUS), site.addresses, seed=0, skus=SKUS, per_second=40)


async def assert_whole(site: Site, load: Load) -> Found:
    await wait_until_settled(site, load.client, seconds=SETTLE_SECONDS)
    found = await check_client(site, load.client, load.history)
    assert not found.problems, "\n".join(found.problems)
    assert found.acknowledged > 20
    return found


async def assert_recovered(site: Site, load: Load, injected: list[Injected]) -> str:
    """Call when all is settled. Judges the last fault; it may prolong the others' figures, which are returned too."""
    measure_recoveries(injected, load.history.messages, await read_proofs(site, load.client))
    felt = ", ".join(f"{fault.name} {fault.recovery_seconds:.1f} s" for fault in injected)
    assert injected[-1].recovery_seconds <= RECOVERY_SECONDS, felt
    return felt
