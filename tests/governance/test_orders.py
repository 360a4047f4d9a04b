"""Orders from the shop to the ERP and their status back, each by its contract and each read back."""

from datetime import timedelta
from uuid import UUID

import httpx2
import msgspec
import pytest
from sqlalchemy import text

from canonical.elements import ORDER_DOCUMENT, ORDER_STATUS, STOCK
from canonical.orders import ORDER, OrderLine, OrderValue, cancelled_order
from connectors.connections import store_secret
from connectors.poll_job import schedule_poll
from connectors.sandbox.faults import Faults
from controlplane.provisioning import NewConnection, connect
from foundation.clock import utc_now
from governance.elements.publish_contract import publish_contract
from governance.overview.queries import read_clocks
from governance.records.routing import takes_element, takes_value
from tests.connectors.running import TOKEN, RunningSandbox
from tests.support.client_env import ClientEnv

HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
AN_ORDER = OrderValue(
    "USD", "Ada Lovelace", "ada@example.com",
    (OrderLine("SKU-000002", "1", "12.5"), OrderLine("SKU-000001", "2", "19.99")), "4.9",
)  # fmt: skip


def verified(element: str, count: int = 1) -> str:
    return f"SELECT count(*) >= {count} FROM propagation WHERE element = '{element}' AND state = 'verified'"


@pytest.fixture
async def keyless_trade(env: ClientEnv) -> ClientEnv:
    """A client whose shop owns orders and whose ERP owns their status. The ERP's connection has no API key."""
    async with env.services.db.transaction(env.scope) as session:
        for element, source in ((ORDER_DOCUMENT, env.channels["shop0"]), (ORDER_STATUS, env.erp)):
            await publish_contract(
                session, element=element, source_connection_id=source, owner="Order desk", now=utc_now(),
                propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=4),
            )  # fmt: skip
    return env


@pytest.fixture
async def trade(keyless_trade: ClientEnv) -> ClientEnv:
    env = keyless_trade
    async with env.services.db.transaction(env.scope) as session:
        await store_secret(session, env.services.vault, env.erp, "api_key", TOKEN)
    return env


def place(env: ClientEnv, order: OrderValue = AN_ORDER) -> str:
    """A shopper's order; returns its number."""
    answer = httpx2.post(f"{env.urls['shop0']}/orders", content=msgspec.json.encode(order), headers=HEADERS)
    number = answer.raise_for_status().json()["number"]
    assert isinstance(number, str)
    return number


async def poll(env: ClientEnv, connection_id: UUID) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await schedule_poll(session, connection_id, at=utc_now())


def set_status(env: ClientEnv, number: str, code: str) -> None:
    """Set the status as a person does in the ERP."""
    change = {
        "sku": number, "element": ORDER_STATUS, "record_type": ORDER, "value": {"type": "enumeration", "code": code},
    }  # fmt: skip
    httpx2.post(f"{env.urls['erp']}/changes", json={"changes": [change]}, headers=HEADERS).raise_for_status()


def in_the_erp(env: ClientEnv, *numbers: str) -> list[OrderValue | None]:
    answer = httpx2.post(f"{env.urls['erp']}/orders/read", json={"numbers": list(numbers)}, headers=HEADERS)
    return msgspec.json.decode(answer.raise_for_status().content, type=dict[str, list[OrderValue | None]])["orders"]


def status_in_the_shop(env: ClientEnv, number: str) -> object:
    keys = {"keys": [[number, f"{ORDER_STATUS}@"]]}
    answer = httpx2.post(f"{env.urls['shop0']}/values/read", json=keys, headers=HEADERS)
    (shown,) = answer.raise_for_status().json()["values"]
    return shown and shown["value"]["code"]


async def test_an_order_is_sent_to_the_erp_and_its_status_returned(trade: ClientEnv, sandbox: RunningSandbox) -> None:
    other = NewConnection("sandbox-shop", "Other shop", sandbox.add("sandbox-shop"), secrets={"api_key": TOKEN})
    await connect(trade.services, trade.scope, other)
    number = place(trade)
    await poll(trade, trade.channels["shop0"])
    await trade.work(until=verified(ORDER_DOCUMENT))
    assert in_the_erp(trade, number) == [AN_ORDER]
    set_status(trade, number, "shipped")
    await poll(trade, trade.erp)
    await trade.work(until=verified(ORDER_STATUS))
    assert status_in_the_shop(trade, number) == "shipped"
    sent = await trade.rows(
        "SELECT element, connection_id, record_type, state FROM propagation WHERE record_type = 'order' ORDER BY 1"
    )
    assert sent == [
        (ORDER_DOCUMENT, trade.erp, ORDER, "verified"),
        (ORDER_STATUS, trade.channels["shop0"], ORDER, "verified"),
    ], "the market takes neither, no system gets back what it owns, and the other shop has no such order"
    assert await trade.rows(f"""
        SELECT n.name FROM connection n, record_value v WHERE v.element = '{ORDER_STATUS}' AND {takes_value("n", "v")}
    """) == [("shop0",)]
    assert await trade.rows(f"""
        SELECT n.name FROM connection n, element_contract k
         WHERE k.element = '{ORDER_STATUS}' AND {takes_element("n", "k")}
    """) == [("shop0",)]
    async with trade.services.db.transaction(trade.scope) as session:
        clocks = await read_clocks(session, now=utc_now())
    assert {(each.connection_id, each.element) for each in clocks if each.element.startswith("order.")} == {
        (trade.erp, ORDER_DOCUMENT),
        (trade.channels["shop0"], ORDER_STATUS),
    }


async def test_an_order_that_the_shop_cancels_is_cancelled_in_the_erp_and_its_status_comes_back(
    trade: ClientEnv,
) -> None:
    number = place(trade)
    await poll(trade, trade.channels["shop0"])
    await trade.work(until=verified(ORDER_DOCUMENT))
    answer = httpx2.post(f"{trade.urls['shop0']}/orders/cancel", json={"numbers": [number]}, headers=HEADERS)
    answer.raise_for_status()
    await poll(trade, trade.channels["shop0"])
    await trade.work(until=verified(ORDER_DOCUMENT, 2))
    assert in_the_erp(trade, number) == [cancelled_order("USD")]
    await poll(trade, trade.erp)
    await trade.work(until=verified(ORDER_STATUS))
    assert status_in_the_shop(trade, number) == "cancelled"
    assert await trade.rows("SELECT code FROM governance_exception WHERE state = 'open'") == []


async def test_an_order_is_created_once_however_often_the_answer_is_lost(
    trade: ClientEnv, sandbox: RunningSandbox
) -> None:
    number = place(trade)
    sandbox.break_(trade.urls["erp"], Faults(server_error=0.5))
    await poll(trade, trade.channels["shop0"])
    await trade.work(until="SELECT count(*) > 0 FROM propagation WHERE element = 'order.document'")
    sandbox.mend(trade.urls["erp"])
    await trade.work(until=verified(ORDER_DOCUMENT))
    effects = httpx2.get(f"{trade.urls['erp']}/_effects").json()
    assert (effects["effects"], effects["repeated"]) == (1, {})
    assert in_the_erp(trade, number) == [AN_ORDER]


async def test_an_order_that_the_erp_holds_with_other_content_is_not_proven(trade: ClientEnv) -> None:
    other = msgspec.structs.replace(AN_ORDER, customer="Somebody else")
    new = {"orders": [{"number": f"{trade.urls['shop0'].rsplit('/', 1)[1].upper()}-1001",
                       "order": msgspec.to_builtins(other), "key": "by-hand"}]}  # fmt: skip
    httpx2.put(f"{trade.urls['erp']}/orders", json=new, headers=HEADERS).raise_for_status()
    number = place(trade)
    assert number == new["orders"][0]["number"]
    await poll(trade, trade.channels["shop0"])
    await trade.work(until="SELECT count(*) > 0 FROM propagation WHERE element = 'order.document' AND attempts > 0")
    assert await trade.rows(verified(ORDER_DOCUMENT)) == [(False,)]


async def test_an_order_for_an_erp_without_an_api_key_is_refused_at_once(keyless_trade: ClientEnv) -> None:
    number = place(keyless_trade)
    await poll(keyless_trade, keyless_trade.channels["shop0"])
    await keyless_trade.work(until="SELECT count(*) > 0 FROM propagation WHERE state = 'refused'")
    (found,) = await keyless_trade.exceptions("code = 'propagation.refused'")
    assert (found.record_key, found.element) == (number, ORDER_DOCUMENT)
    assert "has no API key" in found.detail
    assert httpx2.get(f"{keyless_trade.urls['erp']}/_effects").json()["requests"] == 0


async def test_an_order_that_cannot_be_read_is_quarantined_with_its_number(trade: ClientEnv) -> None:
    number = place(trade, msgspec.structs.replace(AN_ORDER, currency="BGN"))  # ISO 4217 has dropped it
    await poll(trade, trade.channels["shop0"])
    await trade.work(until="SELECT count(*) > 0 FROM governance_exception WHERE code = 'source.quarantined'")
    (found,) = await trade.exceptions("code = 'source.quarantined'")
    assert (found.record_key, found.element) == (number, ORDER_DOCUMENT)


async def test_another_client_sees_no_order(trade: ClientEnv, other_env: ClientEnv) -> None:
    place(trade)
    await poll(trade, trade.channels["shop0"])
    await trade.work(until=verified(ORDER_DOCUMENT))
    assert await other_env.rows("SELECT count(*) FROM change") == [(0,)]
    async with other_env.services.db.transaction(other_env.scope) as session:
        seen = await session.scalar(text("SELECT count(*) FROM record_value WHERE record_type = 'order'"))
    assert seen == 0


async def test_an_order_with_an_inexact_total_blocks_no_other_value(env: ClientEnv) -> None:
    async with env.services.db.transaction(env.scope) as session:
        await publish_contract(
            session, element=ORDER_DOCUMENT, source_connection_id=env.erp, owner="Order desk", now=utc_now(),
            propagation_slo=timedelta(minutes=1), correction_slo=timedelta(hours=4),
        )  # fmt: skip
    tiny = {"sku": "A", "quantity": "0.0000001", "unit_price": "0.0000001"}
    value = {"type": "order", "currency": "EUR", "customer": "Ada", "email": "", "lines": [tiny]}
    odd = env.change("O-1", ORDER_DOCUMENT, 0) | {"record_type": ORDER, "value": value}
    await env.deliver(odd, env.change("SKU-001", STOCK, 5))
    await env.work()
    assert await env.rows("SELECT record_key FROM record_value") == [("SKU-001",)]
    (exception,) = await env.exceptions()
    assert (exception.code, exception.record_key) == ("source.quarantined", "O-1")
