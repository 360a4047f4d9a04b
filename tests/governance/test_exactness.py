"""A8: what a channel shows is a proof only when it is exactly the approved value."""

import msgspec
import pytest

from canonical.elements import PRICE, Value
from connectors.port import ChannelReading
from connectors.sandbox.market.adapter import SandboxMarket
from governance import outcome, readback
from tests.connectors.running import RunningSandbox
from tests.governance.test_main_job import seed
from tests.governance.test_proving import hurry
from tests.support.world import World

_EXCEPTIONS = "SELECT code, state, detail FROM governance_exception ORDER BY opened_at"


async def test_a8_a_price_shown_with_more_digits_is_not_proven_metered_or_rounded(
    world: World, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """104.00 sent, "103.9951" shown: told with what is shown, and verified once it is exact."""
    for module in (outcome, readback):
        monkeypatch.setattr(module, "FIRST_LOOK_SECONDS", 3600.0)
    await seed(world)
    read, shown = SandboxMarket.read, ["103.9951"]

    async def odd(self: SandboxMarket, *args: object) -> list[ChannelReading]:
        found = await read(self, *args)  # type: ignore[arg-type]
        return [
            msgspec.structs.replace(each, value=None, unreadable=f"{shown[0]} USD")
            if shown and each.value == Value(10_400, "USD")
            else each
            for each in found
        ]

    monkeypatch.setattr(SandboxMarket, "read", odd)
    metered = await world.rows("SELECT count(*) FROM usage_event")
    await world.deliver(world.change("SKU-001", PRICE, 10_400))
    await world.work(
        settle=5.0, until="SELECT count(*) = 1 FROM propagation WHERE amount = 10400 AND state = 'accepted'"
    )
    states = "SELECT state, verified_at IS NULL FROM propagation WHERE amount = 10400 ORDER BY state"
    assert await world.rows(states) == [("accepted", True), ("verified", False)]
    assert await world.rows("SELECT count(*) - 1 FROM usage_event") == metered, "the shop's alone"
    [(code, state, detail)] = await world.rows(_EXCEPTIONS)
    assert (code, state) == ("propagation.unreadable", "open")
    assert "103.9951 USD" in str(detail)
    shown.clear()
    await hurry(world)
    assert await world.rows(states) == [("verified", False)] * 2
    assert [row[:2] for row in await world.rows(_EXCEPTIONS)] == [("propagation.unreadable", "resolved")]
