"""The adapter of Tryton against a real server, and translation of other formats."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import COST, PRICE, STOCK
from canonical.keys import ElementKey
from canonical.messages import Observation
from canonical.values import MoneyValue, minor_money
from connectors.ports import ConnectionConfig, PayloadInvalid, PollPage, SystemUnavailable
from connectors.tryton.adapter import Tryton
from connectors.tryton.messages import snapshot_bytes
from foundation.clock import utc_now
from tests.connectors.running import PlainCaller, observed
from tests.real.tryton import RunningTryton, running_tryton
from tests.support.values import minor, pieces


@pytest.fixture(scope="module")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTryton]:
    with running_tryton(tmp_path_factory.mktemp("tryton")) as server:
        yield server


async def poll(adapter: Tryton, caller: PlainCaller, config: ConnectionConfig, cursor: str) -> PollPage:
    return await adapter.poll(caller, config, cursor, utc_now())


def found_in(adapter: Tryton, page: PollPage) -> dict[tuple[str, str], Observation]:
    found = [observation for _, body in page.payloads for observation in observed(adapter.translate(body))]
    return {(observation.record_key, observation.element): observation for observation in found}


def skus_in(page: PollPage) -> list[str]:
    return [msgspec.json.decode(body)["product"]["code"] for _, body in page.payloads]


async def every_page(
    adapter: Tryton, caller: PlainCaller, config: ConnectionConfig, cursor: str
) -> tuple[list[str], str]:
    """The listed SKUs, and the cursor at the end."""
    seen: list[str] = []
    for _ in range(60):
        page = await poll(adapter, caller, config, cursor)
        assert len(page.payloads) <= 3
        seen.extend(skus_in(page))
        cursor = page.cursor
        if not page.more:
            return seen, cursor
    raise AssertionError("The pages do not end.")


@pytest.mark.real
@pytest.mark.timeout(900)
class TestPoll:
    async def test_the_first_poll_reads_every_product(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        adapter = Tryton()
        tryton.set_list_price("SKU-019", Decimal(29))
        page = await poll(adapter, caller, tryton.connection(), "")
        found = found_in(adapter, page)
        assert not page.more
        assert len(page.payloads) == 20
        assert found["SKU-019", PRICE].value == minor(2900, "USD")
        assert found["SKU-019", COST].value == minor(500, "USD")
        assert found["SKU-019", STOCK].value == pieces(100)

    async def test_the_next_poll_returns_only_changes(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        adapter, config = Tryton(), tryton.connection(overlap_seconds=0)
        cursor = (await poll(adapter, caller, config, "")).cursor
        # The boundary itself is always read again; the change must be the only new record.
        known = {external_id for external_id, _ in (await poll(adapter, caller, config, cursor)).payloads}
        before = utc_now()
        tryton.set_list_price("SKU-004", Decimal("13.37"))
        tryton.set_stock("SKU-005", 42)
        page = await poll(adapter, caller, config, cursor)
        new = PollPage([each for each in page.payloads if each[0] not in known], page.cursor, page.more)
        found = found_in(adapter, new)
        assert {sku for sku, _ in found} == {"SKU-004", "SKU-005"}
        assert found["SKU-004", PRICE].value == minor(1337, "USD")
        assert found["SKU-005", STOCK].value == pieces(42)
        for sku, element in (("SKU-004", PRICE), ("SKU-005", STOCK)):
            assert abs(found[sku, element].committed_at - before) < timedelta(seconds=60)

    async def test_the_overlap_repeats_under_the_same_ids(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        adapter = Tryton()
        tryton.set_list_price("SKU-006", Decimal(21))
        tryton.set_list_price("SKU-007", Decimal(22))
        first = await poll(adapter, caller, tryton.connection(), "")
        ids = {external_id for external_id, _ in first.payloads}
        at_the_boundary = await poll(adapter, caller, tryton.connection(overlap_seconds=0), first.cursor)
        assert skus_in(at_the_boundary) == ["SKU-007"]
        looking_back = await poll(adapter, caller, tryton.connection(overlap_seconds=600), first.cursor)
        assert {"SKU-006", "SKU-007"} <= set(skus_in(looking_back))
        again = await poll(adapter, caller, tryton.connection(overlap_seconds=600), looking_back.cursor)
        assert looking_back.cursor == again.cursor == first.cursor
        assert [each[0] for each in again.payloads] == [each[0] for each in looking_back.payloads]
        assert {each[0] for each in at_the_boundary.payloads} <= ids

    async def test_many_moves_are_read_in_parts(
        self, tryton: RunningTryton, caller: PlainCaller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        adapter, config = Tryton(), tryton.connection(overlap_seconds=0)
        cursor = (await poll(adapter, caller, config, "")).cursor
        moved = ["SKU-002", "SKU-003", "SKU-011", "SKU-015", "SKU-018"]
        for sku in moved:
            tryton.set_stock(sku, 1000)
            tryton.set_stock(sku, 2000)
        monkeypatch.setattr("connectors.tryton.products._PAGE", 3)
        monkeypatch.setattr("connectors.tryton.products._MOVES", 3)
        seen, _ = await every_page(adapter, caller, config, cursor)
        assert sorted(set(moved) & set(seen)) == moved

    async def test_a_later_poll_carries_higher_versions(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        adapter, config = Tryton(), tryton.connection()
        first = found_in(adapter, await poll(adapter, caller, config, ""))
        tryton.set_list_price("SKU-008", Decimal("1.01"))
        second = found_in(adapter, await poll(adapter, caller, config, ""))
        assert second["SKU-008", PRICE].source_version > first["SKU-008", PRICE].source_version
        assert second["SKU-008", PRICE].committed_at > first["SKU-008", PRICE].committed_at

    async def test_pages_cover_everything_once(
        self, tryton: RunningTryton, caller: PlainCaller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.tryton.products._PAGE", 3)
        monkeypatch.setattr("connectors.tryton.products._MOVES", 2)
        every_sku = [f"SKU-{index:03}" for index in range(20)]
        adapter, config = Tryton(), tryton.connection(overlap_seconds=0)
        seen, cursor = await every_page(adapter, caller, config, "")
        assert sorted(seen) == every_sku
        for index, sku in enumerate(every_sku):
            tryton.set_list_price(sku, Decimal(50 + index))
        for amount in (5, 6, 7):
            tryton.set_stock("SKU-009", amount)
        tryton.set_stock("SKU-017", 8)
        seen, _ = await every_page(adapter, caller, config, cursor)
        assert sorted(seen) == every_sku

    async def test_an_expired_session_is_renewed(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        adapter, config = Tryton(), tryton.connection()
        cursor = (await poll(adapter, caller, config, "")).cursor
        caller.requests = 0
        await poll(adapter, caller, config, cursor)
        signed_in = caller.requests
        tryton.sign_everyone_out()
        caller.requests = 0
        page = await poll(adapter, caller, config, cursor)
        assert page.cursor == cursor
        assert caller.requests > signed_in

    async def test_the_product_is_stored_byte_for_byte(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        answers: list[bytes] = []

        class Listening(PlainCaller):
            async def request(self, *args: Any, **kwargs: Any) -> Any:
                response = await super().request(*args, **kwargs)
                answers.append(response.content)
                return response

        listening = Listening()
        page = await poll(Tryton(), listening, tryton.connection(), "")
        await listening.close()
        for _, body in page.payloads:
            start, end = body.index(b'"product":') + len(b'"product":'), body.rindex(b',"move":')
            assert any(body[start:end] in answer for answer in answers)

    async def test_a_wrong_password_needs_a_person(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        config = tryton.connection()
        wrong = ConnectionConfig("wrong", config.base_url, config.settings, {"password": "guess"})
        with pytest.raises(SystemUnavailable, match="credentials") as raised:
            await poll(Tryton(), caller, wrong, "")
        assert "guess" not in str(raised.value)

    async def test_a_foreign_cursor_is_refused(self, tryton: RunningTryton, caller: PlainCaller) -> None:
        with pytest.raises(PayloadInvalid, match="cursor"):
            await poll(Tryton(), caller, tryton.connection(), "17")


CREATED = {"__class__": "datetime", "year": 2026, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5}
READ_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRODUCT: dict[str, Any] = {
    "id": 1,
    "code": "SKU-000",
    "type": "goods",
    "consumable": False,
    "list_price_used": {"__class__": "Decimal", "decimal": "10"},
    "cost_price": {"__class__": "Decimal", "decimal": "5.0000"},
    "quantity": 100.0,
    "create_date": CREATED,
    "write_date": None,
    "template.": {"id": 1, "write_date": None, "list_prices.": []},
    "cost_prices.": [],
}


def snapshot(product: dict[str, Any], currency: str = "USD") -> bytes:
    return snapshot_bytes(currency, READ_AT, msgspec.Raw(json.dumps(product).encode()), None)


class TestTranslate:
    def test_a_snapshot_has_price_cost_and_stock(self) -> None:
        version = int(READ_AT.timestamp()) * 1_000_000
        created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert observed(Tryton().translate(snapshot(PRODUCT))) == [
            Observation("SKU-000", PRICE, minor(1000, "USD"), version, created, "1", version_is_ours=True),
            Observation("SKU-000", COST, minor(500, "USD"), version, created, "1", version_is_ours=True),
            Observation("SKU-000", STOCK, pieces(100), version, READ_AT, "1", version_is_ours=True),
        ]

    def test_the_newest_move_dates_the_stock(self) -> None:
        move = msgspec.Raw(json.dumps({"id": 9, "product": 1, "write_date": CREATED}).encode())
        body = snapshot_bytes("USD", READ_AT, msgspec.Raw(json.dumps(PRODUCT).encode()), move)
        [*_, stock] = observed(Tryton().translate(body))
        assert stock.committed_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("currency", "price"),
        [
            ("EUR", "12.345"), ("USD", "10.005"), ("EUR", "-0.035"), ("JPY", "2.5"), ("KWD", "1.0005"),
            ("CLF", "0.02505"), ("XAU", "1"), ("ZZZ", "1.00"), ("usd", "1.00"), ("USD", "1,000.00"),
            ("USD", "1_000"), ("USD", "\uff11\uff10"), ("USD", "\u0661\u0660"), ("USD", "Infinity"), ("USD", " 1"),
            ("USD", "92233720368547758.08"), ("USD", "1E+17"), ("USD", ""),
        ],
    )  # fmt: skip
    def test_an_inexact_price_is_reported_and_not_rounded(self, currency: str, price: str) -> None:
        body = PRODUCT | {"list_price_used": {"decimal": price}, "cost_price": None}
        with pytest.raises(PayloadInvalid) as raised:
            Tryton().translate(snapshot(body, currency))
        assert [each.key for each in raised.value.unreadable] == [ElementKey("SKU-000", PRICE)]
        assert [o.element for o in raised.value.messages if isinstance(o, Observation)] == [STOCK], (
            "its neighbours are taken"
        )

    @pytest.mark.parametrize(
        ("currency", "price", "minor"),
        [
            ("EUR", "12.340000", 1234), ("EUR", "0E-8", 0), ("EUR", "-0.00", 0), ("USD", "1E+2", 10_000),
            ("CLF", "0.0250", 250), ("JPY", "16", 16), ("JPY", "16.00", 16), ("KWD", "1.005", 1005),
            ("USD", "90071992547409.93", 2**53 + 1), ("USD", "92233720368547758.07", 2**63 - 1), ("MGA", "1.20", 120),
        ],
    )  # fmt: skip
    def test_an_exact_price_has_its_currencys_digits(self, currency: str, price: str, minor: int) -> None:
        body = PRODUCT | {"list_price_used": {"decimal": price}, "cost_price": None}
        assert observed(Tryton().translate(snapshot(body, currency)))[0].value == minor_money(minor, currency)

    @pytest.mark.parametrize("quantity", ["1e300", "9007199254740994", '"5"', "true", "[1]"])
    def test_an_invalid_quantity_is_reported(self, quantity: str) -> None:
        body = snapshot(PRODUCT).replace(b'"quantity": 100.0', f'"quantity": {quantity}'.encode())
        with pytest.raises(PayloadInvalid) as raised:
            Tryton().translate(body)
        assert [o.element for o in raised.value.messages if isinstance(o, Observation)] == [PRICE, COST]

    def test_price_and_cost_changed_each_at_its_own_time(self) -> None:
        dated = {"create_date": CREATED, "write_date": None}
        prices, costs = (dated | {"write_date": CREATED | {"year": year}} for year in (2027, 2028))
        template = {"id": 1, "write_date": None, "list_prices.": [prices]}
        of_price, of_cost, _ = observed(
            Tryton().translate(snapshot(PRODUCT | {"template.": template, "cost_prices.": [costs]}))
        )
        assert (of_price.committed_at.year, of_cost.committed_at.year) == (2027, 2028)

    @given(st.decimals(min_value=-(10**9), max_value=10**9, places=4))
    def test_a_price_is_exact_or_refused(self, price: Decimal) -> None:
        body = PRODUCT | {"list_price_used": {"decimal": str(price)}}
        for currency, digits in (("USD", 2), ("JPY", 0), ("KWD", 3)):
            try:
                found = observed(Tryton().translate(snapshot(body, currency)))[0].value
            except PayloadInvalid:
                assert price != round(price, digits)
            else:
                assert isinstance(found, MoneyValue)
                assert found.number == price

    @given(st.decimals(min_value=-(10**9), max_value=10**9, places=3))
    def test_stock_is_whole_pieces_or_refused(self, quantity: Decimal) -> None:
        body = snapshot(PRODUCT | {"quantity": float(quantity)})
        if quantity == int(quantity):
            assert observed(Tryton().translate(body))[-1].value == pieces(int(quantity))
            return
        with pytest.raises(PayloadInvalid) as raised:
            Tryton().translate(body)
        assert [each.key for each in raised.value.unreadable] == [ElementKey("SKU-000", STOCK)]
        assert str(float(quantity)) in raised.value.unreadable[0].reason
        assert [o.element for o in raised.value.messages if isinstance(o, Observation)] == [PRICE, COST], (
            "its neighbours are taken"
        )

    @pytest.mark.parametrize(
        ("quantity", "whole"), [("-0.0", 0), ("1e3", 1000), ("-4.0", -4), ("9007199254740992.0", 2**53), ("7", 7)]
    )
    def test_whole_pieces_count_however_they_are_written(self, quantity: str, whole: int) -> None:
        body = snapshot(PRODUCT).replace(b'"quantity": 100.0', f'"quantity": {quantity}'.encode())
        assert observed(Tryton().translate(body))[-1].value == pieces(whole)

    @pytest.mark.parametrize("quantity", ["12.5", "2.9999999999", "12.0000000000000000001", "1e-400", "-0.5", "0.1"])
    def test_a_fraction_of_a_piece_is_reported(self, quantity: str) -> None:
        body = snapshot(PRODUCT).replace(b'"quantity": 100.0', f'"quantity": {quantity}'.encode())
        with pytest.raises(PayloadInvalid, match="whole number of pieces"):
            Tryton().translate(body)

    @pytest.mark.parametrize("change", [{"type": "service"}, {"consumable": True}, {"quantity": None}])
    def test_products_without_stock_keeping_have_no_stock(self, change: dict[str, Any]) -> None:
        elements = [o.element for o in observed(Tryton().translate(snapshot(PRODUCT | change)))]
        assert elements == [PRICE, COST]

    def test_a_product_without_prices_has_no_price_observations(self) -> None:
        found = observed(Tryton().translate(snapshot(PRODUCT | {"list_price_used": None, "cost_price": None})))
        assert [o.element for o in found] == [STOCK]

    @pytest.mark.parametrize("name", [name for name in PRODUCT if name != "write_date"])
    def test_a_missing_field_is_named(self, name: str) -> None:
        drifted = {key: value for key, value in PRODUCT.items() if key != name}
        with pytest.raises(PayloadInvalid, match=f"`{name}`"):
            Tryton().translate(snapshot(drifted))

    @pytest.mark.parametrize(
        "change",
        [
            {"list_price_used": "10"},
            {"list_price_used": {"decimal": "ten"}},
            {"list_price_used": {"decimal": "NaN"}},
            {"list_price_used": {"decimal": "1E+999999"}},
            {"quantity": "many"},
            {"create_date": CREATED | {"month": 13}},
        ],
    )
    def test_a_value_of_the_wrong_kind_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(PayloadInvalid):
            Tryton().translate(snapshot(PRODUCT | change))

    @given(st.binary(max_size=200))
    def test_anything_else_is_refused_and_never_crashes(self, body: bytes) -> None:
        with pytest.raises(PayloadInvalid):
            Tryton().translate(body)
