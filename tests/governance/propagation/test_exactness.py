"""A value is verified only if the channel shows exactly the approved one."""

import msgspec
import pytest

from canonical.elements import PRICE, STOCK
from connectors.poll_job import schedule_poll
from connectors.ports import ChannelReading, PollPage
from connectors.sandbox.market.adapter import SandboxMarket
from foundation.clock import utc_now
from governance.propagation import settlement, verify_job
from tests.connectors.running import RunningSandbox
from tests.governance.propagation.test_verify_job import make_jobs_due
from tests.governance.scripted import ScriptedSource, replace_part
from tests.governance.test_main_job import seed
from tests.support.client_env import ClientEnv
from tests.support.values import minor

_EXCEPTIONS = "SELECT code, state FROM governance_exception ORDER BY opened_at"


@pytest.mark.parametrize(
    ("element", "says", "expected"),
    [
        (PRICE, {"amount": 10.1}, "10.1 USD"), (PRICE, {"currency": "DEM"}, "1000 DEM"),
        (PRICE, {"currency": "usd"}, "1000 usd"), (PRICE, {"amount": "10,00"}, "10,00 USD"),
        (PRICE, {"amount": 2**53 + 1}, "9007199254740993 USD"), (PRICE, {"currency": "XAU"}, "1000 XAU"),
        (STOCK, {"amount": 12.5}, "12.5"), (STOCK, {"currency": "USD"}, "1000 USD"), (PRICE, {"currency": ""}, "1000"),
    ],
)  # fmt: skip
async def test_an_inexact_source_value_is_one_exception_resolved_by_an_exact_one(
    env: ClientEnv, element: str, says: dict[str, object], expected: str
) -> None:
    for _ in range(3):  # however often it arrives
        await env.deliver(env.change("SKU-001", element, 1000) | says)
    await env.work()
    [found] = await env.exceptions()
    assert (found.code, found.state) == ("source.quarantined", "open")
    assert expected in found.detail
    assert await env.rows("SELECT count(*) FROM record_value") == [(0,)]
    await env.deliver(env.change("SKU-001", element, 1000))
    await env.work()
    assert [row[1] for row in await env.rows(_EXCEPTIONS) if row[0] == found.code] == ["resolved"]


async def test_a_date_outside_the_calendar_is_reported(env: ClientEnv) -> None:
    body = env.change("SKU-001", STOCK, 4) | {"committed_at": "9999-12-31T23:59:59-14:00"}
    page = PollPage([("chg_end", msgspec.json.encode(body))], "1", more=False)
    replace_part(env, "sandbox-erp", poll=ScriptedSource(lambda cursor, before: page))
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, env.erp, at=utc_now())
    await env.work(until="SELECT count(*) = 1 FROM record_value")
    [found] = await env.exceptions()
    assert found.code == "source.clock_ahead"
    assert "9999-12-31" in found.detail


async def test_a_price_shown_with_more_digits_is_not_proven_metered_or_rounded(
    env: ClientEnv, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """104.00 sent, "103.9951" shown: reported with the shown value, and verified once it is exact."""
    for module in (settlement, verify_job):
        monkeypatch.setattr(module, "FIRST_READ_SECONDS", 3600.0)
    await seed(env)
    read, shown = SandboxMarket.read, ["103.9951"]

    async def odd(self: SandboxMarket, *args: object) -> list[ChannelReading]:
        found = await read(self, *args)  # type: ignore[arg-type]
        return [
            msgspec.structs.replace(each, value=None, unreadable=f"{shown[0]} USD")
            if shown and each.value == minor(10_400, "USD")
            else each
            for each in found
        ]

    monkeypatch.setattr(SandboxMarket, "read", odd)
    metered = await env.rows("SELECT count(*) FROM usage_event")
    await env.deliver(env.change("SKU-001", PRICE, 10_400))
    await env.work(until="SELECT count(*) = 1 FROM propagation WHERE minor(value) = 10400 AND state = 'accepted'")
    states = "SELECT state, verified_at IS NULL FROM propagation WHERE minor(value) = 10400 ORDER BY state"
    assert await env.rows(states) == [("accepted", True), ("verified", False)]
    assert await env.rows("SELECT count(*) - 1 FROM usage_event") == metered, "the shop's alone"
    [exception] = await env.exceptions()
    assert (exception.code, exception.state) == ("propagation.unreadable", "open")
    assert "103.9951 USD" in exception.detail
    shown.clear()
    await make_jobs_due(env)
    assert await env.rows(states) == [("verified", False)] * 2
    assert [row[:2] for row in await env.rows(_EXCEPTIONS)] == [("propagation.unreadable", "resolved")]
