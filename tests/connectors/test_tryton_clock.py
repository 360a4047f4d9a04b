"""Tryton's clock does not determine the poll's position. A server in memory has products with chosen dates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.ports import ConnectionConfig, HttpResponse, PayloadInvalid
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from connectors.tryton.messages import TrytonMoment, tryton_moment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONFIG = ConnectionConfig("erp", "https://erp.example", {"database": "db", "username": "us"}, {"password": "of a test"})
STEP = timedelta(seconds=30)


@dataclass
class Answered:
    """An `HttpResponse`."""

    content: bytes
    headers: Mapping[str, str]
    status_code: int = 200


@dataclass
class Server:
    """`dates`: by product id; `clock`: its Date header, None to send none."""

    dates: dict[int, datetime] = field(default_factory=dict)
    moves: list[dict[str, Any]] = field(default_factory=list)
    clock: datetime | None = None
    read: list[list[int]] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert (method, url, bool(headers)) == ("POST", "https://erp.example/db/rpc/", True)
        call = msgspec.json.decode(content or b"")
        result = self._answer(call["method"], call["params"])
        date = {} if self.clock is None else {"date": f"{self.clock:%a, %d %b %Y %H:%M:%S} GMT"}
        return Answered(msgspec.json.encode({"id": 1, "result": result}), date)

    def _answer(self, method: str, parameters: list[Any]) -> Any:
        signing_in: dict[str, Any] = {
            "common.db.login": [1, "key"],
            "model.res.user.get_preferences": {"company": 1},
            "model.company.company.read": [{"currency.": {"code": "EUR"}}],
        }
        match method:
            case "model.product.product.search":
                return self._search(parameters[0], parameters[2])
            case "model.product.product.read":
                self.read.append(parameters[0])
                return [self._product(product_id) for product_id in parameters[0]]
            case "model.stock.move.search_read":
                return self._moves(parameters[0], parameters[2])
        return signing_in.get(method, [])

    def _search(self, domain: list[Any], limit: int) -> list[int]:
        after = next(value for name, how, value in domain[:1])
        since = next((date_of(each[1][2]) for each in domain if each[0] == "OR"), None)
        found = [id_ for id_, date in sorted(self.dates.items()) if id_ > after and (since is None or date >= since)]
        return found[:limit]

    def _moves(self, domain: list[Any], limit: int) -> list[dict[str, Any]]:
        until = next((date_of(value) for name, how, value in domain if (name, how) == ("write_date", "<=")), None)
        found = [
            move
            for move in self.moves
            if until is None or (valid := date_of(move["write_date"])) is None or valid <= until
        ]
        return found[-limit:] if until is not None else []

    def _product(self, product_id: int) -> dict[str, Any]:
        date = tryton_moment(self.dates[product_id])
        return {
            "id": product_id, "code": f"P{product_id}", "type": "goods", "consumable": False,
            "list_price_used": {"__class__": "Decimal", "decimal": "1"}, "cost_price": None, "quantity": 1.0,
            "create_date": date, "write_date": date, "template.": {"write_date": None, "list_prices.": []},
            "cost_prices.": [],
        }  # fmt: skip


def date_of(value: Any) -> datetime | None:
    try:
        return msgspec.convert(value, TrytonMoment).aware()
    except ValueError:
        return None


async def poll(server: Server, cursor: str, now: datetime) -> tuple[list[str], str]:
    """The returned products of all pages, and the last cursor."""
    adapter, found = Tryton(), list[str]()
    for _ in range(50):
        page = await adapter.poll(server, CONFIG, cursor, now)
        found += [external_id.split("/")[1] for external_id, _ in page.payloads]
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the pages never end")


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), timedelta(days=365), datetime.max.replace(tzinfo=UTC) - NOW])
async def test_a_record_dated_ahead_hides_no_other(ahead: timedelta) -> None:
    server = Server({1: NOW + ahead, 2: NOW - timedelta(days=1)})
    found, cursor = await poll(server, "", NOW)
    assert found == ["1", "2"]
    server.dates[3] = NOW + STEP
    found, cursor = await poll(server, cursor, NOW + 2 * STEP)
    assert {"1", "3"} <= set(found), "the record that is ahead is read again until its date has passed"
    found, cursor = await poll(server, cursor, NOW + timedelta(hours=1))
    assert "2" not in found


async def test_a_move_dated_ahead_does_not_become_the_position() -> None:
    ahead = {"product": 2, "write_date": tryton_moment(NOW + timedelta(days=365))}
    past = {"product": 2, "write_date": tryton_moment(NOW - timedelta(hours=2))}
    server = Server({2: NOW - timedelta(days=1)}, moves=[past, ahead])
    _, cursor = await poll(server, "", NOW)
    assert msgspec.json.decode(cursor, type=Cursor).since == NOW - timedelta(hours=2)
    server.dates[3] = NOW - timedelta(hours=1)
    assert (await poll(server, cursor, NOW + STEP))[0] == ["3"]


async def test_a_position_in_the_future_is_discarded_and_everything_read_again() -> None:
    server = Server({1: NOW - timedelta(days=3), 2: NOW - timedelta(days=1)})
    poisoned = msgspec.json.encode(Cursor(NOW + timedelta(days=365))).decode()
    found, cursor = await poll(server, poisoned, NOW)
    assert found == ["1", "2"]
    assert msgspec.json.decode(cursor, type=Cursor).since == NOW - timedelta(days=1)


async def test_our_own_clock_set_back_loses_nothing() -> None:
    server = Server({1: NOW})
    _, cursor = await poll(server, "", NOW)
    back = NOW - timedelta(minutes=4)
    server.dates[2] = back
    assert "2" in (await poll(server, cursor, back + STEP))[0]


async def test_a_source_whose_clock_is_set_back_is_followed() -> None:
    server = Server({1: NOW}, clock=NOW)
    _, cursor = await poll(server, "", NOW)
    server.clock = NOW - timedelta(days=1)
    server.dates[2] = server.clock
    found, cursor = await poll(server, cursor, NOW + STEP)
    assert "2" in found
    server.clock += STEP
    server.dates[3] = server.clock
    assert "3" in (await poll(server, cursor, NOW + 2 * STEP))[0]


async def test_an_absurd_date_header_is_ignored() -> None:
    server = Server({1: NOW - timedelta(days=1), 2: NOW}, clock=datetime(1970, 1, 1, tzinfo=UTC))
    _, cursor = await poll(server, "", NOW)
    assert (await poll(server, cursor, NOW + STEP))[0] == ["2"]


async def test_records_of_the_current_second_are_not_in_the_future() -> None:
    """The Date header has a resolution of one second."""
    now = NOW + timedelta(milliseconds=900)
    server = Server({1: NOW - timedelta(days=1), 2: now - timedelta(milliseconds=100)}, clock=now)
    _, cursor = await poll(server, "", now)
    assert msgspec.json.decode(cursor, type=Cursor).since == server.dates[2]


async def test_a_late_commit_within_the_window_is_read_by_the_next_poll() -> None:
    """Product 1 changes after its page was read; a later page contains a much later date."""
    server = Server({n: NOW - timedelta(days=1) for n in range(1, 402)})
    adapter = Tryton()
    first = await adapter.poll(server, CONFIG, "", NOW)
    assert first.more
    server.dates[1] = NOW + timedelta(minutes=1)
    server.dates[401] = NOW + timedelta(minutes=20)
    _, cursor = await poll(server, first.cursor, NOW + timedelta(minutes=21))
    found, _ = await poll(server, cursor, NOW + timedelta(minutes=22))
    assert {"1", "401"} <= set(found)


async def test_records_with_equal_dates_across_pages_are_all_read() -> None:
    server = Server({n: NOW - timedelta(microseconds=1) for n in range(1, 452)})
    found, cursor = await poll(server, "", NOW)
    assert len(found) == len(set(found)) == 451
    server.dates[460] = NOW - timedelta(microseconds=1)
    assert "460" in (await poll(server, cursor, NOW + STEP))[0]


@pytest.mark.parametrize("moment", [{"year": 0, "month": 1, "day": 1}, {"year": 2026, "month": 13, "day": 1}])
async def test_an_impossible_date_stops_no_poll(moment: dict[str, int]) -> None:
    server = Server({1: NOW - timedelta(days=1)}, moves=[{"product": 1, "write_date": moment}])
    assert (await poll(server, "", NOW))[0] == ["1"]


@pytest.mark.parametrize("since", ["2026-03-02T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
async def test_any_stored_date_is_accepted_as_position(since: str) -> None:
    server = Server({1: NOW - timedelta(days=1)})
    try:
        found, _ = await poll(server, msgspec.json.encode([since]).decode(), NOW)
    except PayloadInvalid:
        assert not since.endswith("Z"), "without a zone it is none of ours"
    else:
        assert found == ["1"]
