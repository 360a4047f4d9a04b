"""The sandbox ERP: translation, webhooks with faults, polling, and write permissions."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, PRICE, STOCK
from canonical.messages import MessageLine, Observation, Party, ShipmentUpdated
from canonical.values import MoneyValue, QuantityValue, Value
from connectors.ports import ConnectionConfig, PayloadInvalid, SystemUnavailable
from connectors.sandbox.erp.adapter import SandboxErp
from connectors.sandbox.faults import Faults
from connectors.webhooks.signatures import StandardWebhook
from foundation.clock import utc_now
from tests.connectors.running import TOKEN, PlainCaller, RunningSandbox
from tests.support.values import minor, of, pieces

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "whsec_c2FuZGJveC1zZWNyZXQ="
PAYLOAD: dict[str, Any] = {
    "type": "price.changed",
    "sku": "SKU-001",
    "element": PRICE,
    "amount": 1999,
    "currency": "USD",
    "version": 7,
    "committed_at": "2026-11-22T12:00:00Z",
}

observations = st.builds(
    lambda sku, element, amount, currency, version, at: Observation(
        sku, element, of(element, amount, currency), version, at
    ),
    st.text(min_size=1, max_size=40),
    st.sampled_from([PRICE, COST, STOCK]),
    st.integers(-(2**53), 2**53),
    st.sampled_from(["USD", "JPY", "KWD", "CLF"]),
    st.integers(0, 2**62),
    st.datetimes(timezones=st.just(UTC), min_value=datetime(1971, 1, 1)),  # noqa: DTZ001 (hypothesis wants naive bounds)
)


def amount_of(value: Value) -> dict[str, Any]:
    if isinstance(value, MoneyValue):
        return {"amount": value.minor, "currency": value.currency}
    return {"amount": int(value.amount), "currency": ""} if isinstance(value, QuantityValue) else {}


def as_payload(observation: Observation) -> dict[str, Any]:
    return {
        "sku": observation.record_key,
        "element": observation.element,
        **amount_of(observation.value),
        "version": observation.source_version,
        "committed_at": observation.committed_at,
    }


def observed(body: bytes) -> list[Observation]:
    found = SandboxErp().translate(body)
    return [message for message in found if isinstance(message, Observation)]


class TestTranslate:
    @given(observations)
    def test_a_change_is_one_observation(self, observation: Observation) -> None:
        assert observed(msgspec.json.encode(as_payload(observation))) == [observation]

    @given(st.lists(observations, max_size=20))
    def test_a_batch_has_all_changes_in_order(self, batch: list[Observation]) -> None:
        body = msgspec.json.encode({"type": "changes", "changes": [as_payload(each) for each in batch]})
        assert observed(body) == batch

    @given(st.binary(max_size=300))
    def test_anything_else_is_refused_and_never_crashes(self, body: bytes) -> None:
        with pytest.raises(PayloadInvalid):
            observed(body)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(PAYLOAD)), inner),
            max_leaves=20,
        )
    )
    def test_any_other_json_is_refused_and_never_crashes(self, document: object) -> None:
        with pytest.raises(PayloadInvalid):
            observed(msgspec.json.encode(document))

    @pytest.mark.parametrize("name", ["sku", "element", "amount", "version", "committed_at"])
    def test_a_renamed_field_is_named(self, name: str) -> None:
        drifted = {("new_" + key if key == name else key): value for key, value in PAYLOAD.items()}
        with pytest.raises(PayloadInvalid, match=f"`{name}`"):
            observed(msgspec.json.encode(drifted))

    def test_a_renamed_field_inside_a_batch_is_named_with_its_place(self) -> None:
        drifted = {key: value for key, value in PAYLOAD.items() if key != "amount"}
        with pytest.raises(PayloadInvalid, match=r"`amount`.*changes\[1\]|changes\[\.\.\.\]"):
            observed(msgspec.json.encode({"changes": [PAYLOAD, drifted]}))

    @pytest.mark.parametrize(
        "change",
        [
            {"amount": 19.99},
            {"amount": "1999"},
            {"amount": 2**60},
            {"currency": ""},
            {"currency": "usd"},
            {"element": STOCK},
            {"element": "price.special"},
            {"version": -1},
            {"committed_at": "2026-11-22T12:00:00"},
            {"committed_at": "yesterday"},
            {"sku": ""},
        ],
    )
    def test_a_value_of_the_wrong_kind_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(PayloadInvalid):
            observed(msgspec.json.encode(PAYLOAD | change))


SHIPMENT: dict[str, Any] = {
    "type": "shipment.changed",
    "number": "S1",
    "order": "1001",
    "status": "dispatched",
    "lines": [{"line": "1", "sku": "SKU-001", "quantity": 2}],
    "carrier": "UPS",
    "tracking": "1Z",
    "version": 8,
    "committed_at": "2026-11-22T12:00:00Z",
}


class TestShipments:
    def test_a_shipment_is_a_message_of_its_own_beside_changes(self) -> None:
        found = SandboxErp().translate(msgspec.json.encode({"changes": [PAYLOAD, SHIPMENT]}))
        assert [type(message) for message in found] == [Observation, ShipmentUpdated]
        line = MessageLine(line="1", sku="SKU-001", quantity=QuantityValue("2"), order="1001")
        assert found[1] == ShipmentUpdated(
            number="S1", version=8, changed_at=NOW, status="dispatched", lines=(line,), tracking="1Z",
            parties=(Party("carrier", "UPS"),),
        )  # fmt: skip
        assert SandboxErp().translate(msgspec.json.encode(SHIPMENT)) == [found[1]]

    def test_a_text_that_names_the_type_is_no_shipment(self) -> None:
        [seen] = SandboxErp().translate(
            msgspec.json.encode(PAYLOAD | {"title": '"shipment.changed"', "sku": "shipment.changed"})
        )
        assert isinstance(seen, Observation)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"number": ""}, {"number": "a\x00"}, {"status": "lost"}, {"lines": [{"line": "1", "sku": "A"}]},
            {"lines": SHIPMENT["lines"] * 2}, {"lines": [{"line": "1", "sku": "A", "quantity": 0}]}, {"version": -1},
            {"committed_at": "yesterday"}, {"tracking": "x" * 201},
        ],
    )  # fmt: skip
    def test_an_invalid_change_is_refused_and_the_others_are_accepted(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(PayloadInvalid) as raised:
            SandboxErp().translate(msgspec.json.encode({"changes": [SHIPMENT | wrong, PAYLOAD, SHIPMENT]}))
        assert [type(message) for message in raised.value.messages] == [Observation, ShipmentUpdated]


class Receiver:
    """A webhook receiver that refuses a given number of requests."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.refusals = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")[1:-2]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if self.refusals:
                    self.refusals -= 1
                    writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
                else:
                    self._received.put_nowait((headers, body))
                    writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def wait_for(self, messages: int) -> list[tuple[dict[str, str], bytes]]:
        async with asyncio.timeout(60):
            return [await self._received.get() for _ in range(messages)]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/1"
    yield receiver
    server.close()
    await server.wait_closed()


async def set_values(url: str, *values: tuple[str, str, int], token: str = TOKEN) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=60) as client:
        return await client.post(
            f"{url}/changes",
            json={"changes": [{"sku": sku, "element": element, "amount": amount} for sku, element, amount in values]},
            headers={"authorization": f"Bearer {token}"},
        )


async def listen(url: str, receiver: Receiver, **options: object) -> None:
    async with httpx2.AsyncClient(timeout=60) as client:
        target = {"url": receiver.url, "secret": SECRET, "retry_seconds": 0.01} | options
        (await client.put(f"{url}/_webhook", json=target)).raise_for_status()


class TestWebhooks:
    async def test_a_change_arrives_signed_and_is_translated(self, sandbox: RunningSandbox, receiver: Receiver) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver)
        before = utc_now()
        await set_values(url, ("SKU-003", PRICE, 4711))
        [(headers, body)] = await receiver.wait_for(1)
        delivery = StandardWebhook().verify(headers, body, SECRET.encode(), utc_now())
        [observation] = observed(body)
        assert (observation.record_key, observation.element) == ("SKU-003", PRICE)
        assert observation.value == minor(4711, "USD")
        assert delivery.external_id == f"chg_{observation.source_version}"
        assert before <= observation.committed_at <= utc_now()

    async def test_a_shipment_arrives_as_a_webhook_and_in_the_poll_under_one_id(
        self, sandbox: RunningSandbox, receiver: Receiver, caller: PlainCaller
    ) -> None:
        url = sandbox.add("sandbox-erp", skus=1)
        await listen(url, receiver)
        new = {name: value for name, value in SHIPMENT.items() if name not in {"type", "version", "committed_at"}}
        async with httpx2.AsyncClient(timeout=60) as client:
            answers = [
                await client.post(f"{url}/shipments", json=body, headers={"authorization": f"Bearer {token}"})
                for body, token in ((new, "guess"), (new | {"status": "lost"}, TOKEN), (new, TOKEN))
            ]
        assert [answer.status_code for answer in answers] == [403, 422, 200]
        [(headers, body)] = await receiver.wait_for(1)
        [message] = SandboxErp().translate(body)
        assert isinstance(message, ShipmentUpdated)
        page = await SandboxErp().poll(caller, config_of(url), "", NOW)
        assert page.payloads[-1] == (headers["webhook-id"], body)
        assert headers["webhook-id"] == f"chg_{message.version}"

    async def test_a_refused_delivery_is_tried_again_under_the_same_id(
        self, sandbox: RunningSandbox, receiver: Receiver
    ) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver)
        receiver.refusals = 3
        await set_values(url, ("SKU-003", PRICE, 1), ("SKU-003", PRICE, 2))
        received = await receiver.wait_for(2)
        assert [observed(body)[0].value for _, body in received] == [minor(1), minor(2)]

    async def test_changes_can_be_sent_as_one_batch(self, sandbox: RunningSandbox, receiver: Receiver) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver, batch_size=10)
        await set_values(url, ("SKU-003", PRICE, 1), ("SKU-003", STOCK, 2), ("SKU-004", COST, 3))
        [(_, body)] = await receiver.wait_for(1)
        assert [o.element for o in observed(body)] == [PRICE, STOCK, COST]

    async def test_duplicates_carry_the_same_id_and_body(self, sandbox: RunningSandbox, receiver: Receiver) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver)
        sandbox.break_(url, Faults(duplicate_webhooks=1))
        await set_values(url, ("SKU-003", PRICE, 1))
        first, second = await receiver.wait_for(2)
        assert first[0]["webhook-id"] == second[0]["webhook-id"]
        assert first[1] == second[1]

    async def test_reordered_messages_lose_nothing(self, sandbox: RunningSandbox, receiver: Receiver) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver)
        sandbox.break_(url, Faults(reorder_webhooks=10))
        await set_values(url, *[("SKU-003", PRICE, amount) for amount in range(20)])
        received = await receiver.wait_for(20)
        amounts = [amount_of(observed(body)[0].value)["amount"] for _, body in received]
        assert sorted(amounts) == list(range(20))
        assert amounts != sorted(amounts)

    async def test_a_drifted_webhook_is_refused_by_the_translation(
        self, sandbox: RunningSandbox, receiver: Receiver
    ) -> None:
        url = sandbox.add("sandbox-erp")
        await listen(url, receiver)
        sandbox.break_(url, Faults(renamed_fields={"amount": "price_minor"}))
        await set_values(url, ("SKU-003", PRICE, 1))
        [(_, body)] = await receiver.wait_for(1)
        with pytest.raises(PayloadInvalid, match="amount"):
            observed(body)


def config_of(url: str) -> ConnectionConfig:
    return ConnectionConfig("erp", url, {}, {"webhook_secret": SECRET})


class TestPoll:
    async def test_every_change_is_listed_once_page_by_page(self, sandbox: RunningSandbox, caller: PlainCaller) -> None:
        url = sandbox.add("sandbox-erp", skus=400)  # 1,200 first values: three pages
        cursor, seen, pages = "", [], 0
        while True:
            page = await SandboxErp().poll(caller, config_of(url), cursor, NOW)
            seen.extend(page.payloads)
            cursor, pages = page.cursor, pages + 1
            if not page.more:
                break
        assert (len(seen), len({external_id for external_id, _ in seen}), pages) == (1200, 1200, 3)
        await set_values(url, ("SKU-003", STOCK, 9))
        page = await SandboxErp().poll(caller, config_of(url), cursor, NOW)
        [(external_id, body)] = page.payloads
        [observation] = observed(body)
        assert observation.value == pieces(9)
        assert external_id == f"chg_{observation.source_version}"

    async def test_versions_and_commit_times_grow(self, sandbox: RunningSandbox, caller: PlainCaller) -> None:
        url = sandbox.add("sandbox-erp")
        await set_values(url, *[("SKU-003", PRICE, amount) for amount in range(50)])
        page = await SandboxErp().poll(caller, config_of(url), "", NOW)
        found = [observed(body)[0] for _, body in page.payloads]
        versions = [o.source_version for o in found]
        assert versions == sorted(set(versions))
        assert all(later.committed_at - earlier.committed_at >= timedelta(0) for earlier, later in pairwise(found))

    async def test_an_erp_out_of_service_sends_retry_after(self, sandbox: RunningSandbox, caller: PlainCaller) -> None:
        url = sandbox.add("sandbox-erp")
        sandbox.break_(url, Faults(too_many_requests=1, retry_after="3"))
        with pytest.raises(SystemUnavailable) as raised:
            await SandboxErp().poll(caller, config_of(url), "", NOW)
        assert raised.value.retry_after == 3.0

    async def test_a_page_without_versions_is_refused(self, sandbox: RunningSandbox, caller: PlainCaller) -> None:
        url = sandbox.add("sandbox-erp")
        sandbox.break_(url, Faults(renamed_fields={"version": "revision"}))
        with pytest.raises(PayloadInvalid, match="version"):
            await SandboxErp().poll(caller, config_of(url), "", NOW)


class TestOwnership:
    async def test_values_are_refused_from_outside(self, sandbox: RunningSandbox) -> None:
        url = sandbox.add("sandbox-erp")
        refused = await set_values(url, ("SKU-003", PRICE, 1), token="someone else")
        assert refused.status_code == 403
        assert "owned by the ERP" in refused.text

    async def test_the_operators_page_saves_a_value(self, sandbox: RunningSandbox) -> None:
        url = sandbox.add("sandbox-erp")
        async with httpx2.AsyncClient(follow_redirects=True, timeout=60) as client:
            assert "<form" not in (await client.get(f"{url}/")).text
            form = {"sku": "SKU-003", "element": PRICE, "amount": "7.77"}
            refused = await client.post(f"{url}/", data=form | {"token": "guess"})
            assert refused.status_code == 403
            saved = await client.post(f"{url}/", data=form | {"token": TOKEN})
            assert 'value="7.77"' in saved.text

    @pytest.mark.parametrize(
        ("element", "typed", "minor"),
        [(PRICE, "19.99", 1999), (PRICE, " 20 ", 2000), (COST, "0.5", 50), (STOCK, "12", 12)],
    )
    async def test_the_form_accepts_localized_numbers(
        self, sandbox: RunningSandbox, element: str, typed: str, minor: int
    ) -> None:
        url = sandbox.add("sandbox-erp")
        async with httpx2.AsyncClient(timeout=60) as client:
            form = {"sku": "SKU-003", "element": element, "amount": typed, "token": TOKEN}
            assert (await client.post(f"{url}/", data=form)).status_code == 303
            items = {item["sku"]: item for item in (await client.get(f"{url}/items")).json()["items"]}
        assert items["SKU-003"][element]["amount"] == minor

    @pytest.mark.parametrize(
        ("element", "typed"),
        [(PRICE, "19.999"), (PRICE, "1,000.00"), (PRICE, ""), (PRICE, "NaN"), (STOCK, "1.5"), ("price.other", "1")],
    )
    async def test_inexact_values_are_refused(self, sandbox: RunningSandbox, element: str, typed: str) -> None:
        url = sandbox.add("sandbox-erp")
        async with httpx2.AsyncClient(timeout=60) as client:
            form = {"sku": "SKU-003", "element": element, "amount": typed, "token": TOKEN}
            assert (await client.post(f"{url}/", data=form)).status_code == 422

    async def test_a_value_is_saved_only_while_it_is_as_expected(self, sandbox: RunningSandbox) -> None:
        url = sandbox.add("sandbox-erp")
        async with httpx2.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            value = {"sku": "SKU-003", "element": PRICE, "amount": 777}
            first = await client.post(f"{url}/changes", json={"changes": [value]})
            stale = await client.post(f"{url}/changes", json={"changes": [value | {"amount": 5, "expected": 776}]})
            fresh = await client.post(f"{url}/changes", json={"changes": [value | {"amount": 6, "expected": 777}]})
        assert [first.status_code, stale.status_code, fresh.status_code] == [200, 409, 200]


def test_a_leap_second_is_read_as_the_next_second() -> None:
    change = {
        "sku": "SKU-1", "element": "stock.on_hand", "amount": 5, "version": 1, "committed_at": "2016-12-31T23:59:60Z",
    }  # fmt: skip
    for body in (change, {"type": "changes", "changes": [change]}):
        [seen] = observed(msgspec.json.encode(body))
        assert seen.committed_at == datetime(2017, 1, 1, tzinfo=UTC)
