"""Start of the poll window. A server in memory returns no changes and records the queries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connectors.ports import ConnectionConfig, HttpResponse
from connectors.tryton.adapter import Tryton
from connectors.tryton.cursor import Cursor
from connectors.tryton.messages import CHANGE_FIELDS, TrytonMoment

SINCE = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Answered:
    """An `HttpResponse`."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Quiet:
    """`asked`: the latest domains by method."""

    asked: dict[str, Any] = field(default_factory=dict)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert (method, url, bool(headers)) == ("POST", "https://erp.example/db/rpc/", True)
        call = msgspec.json.decode(content or b"")
        answers: dict[str, Any] = {
            "common.db.login": [1, "key"],
            "model.res.user.get_preferences": {"company": 1},
            "model.company.company.read": [{"currency.": {"code": "EUR"}}],
        }
        self.asked[call["method"]] = call["params"][0]
        return Answered(msgspec.json.encode({"id": 1, "result": answers.get(call["method"], [])}))


@pytest.mark.parametrize(
    ("settings", "back"),
    [({}, 300), ({"overlap_seconds": ""}, 300), ({"overlap_seconds": "0"}, 0), ({"overlap_seconds": "60"}, 60)],
)
async def test_a_poll_overlaps_the_window_of_late_commits(settings: dict[str, str], back: int) -> None:
    server = Quiet()
    settings = {"database": "db", "username": "us"} | settings
    config = ConnectionConfig("erp", "https://erp.example", settings, {"password": "of a test"})
    cursor = msgspec.json.encode(Cursor(SINCE)).decode()
    page = await Tryton().poll(server, config, cursor, SINCE + timedelta(hours=1))
    assert (page.payloads, page.cursor, page.more) == ([], cursor, False)
    _, _, _, [word, *conditions] = server.asked["model.product.product.search"]
    assert word == "OR"
    asked = {name: (how, since) for name, how, since in conditions}
    assert asked.pop("id") == ("in", [])
    assert asked.keys() == set(CHANGE_FIELDS)
    for how, since in asked.values():
        assert (how, msgspec.convert(since, TrytonMoment).aware()) == (">=", SINCE - timedelta(seconds=back))
