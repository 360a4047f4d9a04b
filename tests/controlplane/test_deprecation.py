"""Deprecated routes are marked in their responses and in the API's description."""

from datetime import UTC, datetime

import httpx
from litestar import Litestar, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from controlplane.reference import complete_document
from foundation.telemetry.asgi import Receive, Scope, Send
from foundation.web.answer_headers import with_answer_headers
from foundation.web.deprecation import Deprecation, deprecated

OLD = Deprecation(
    since=datetime(2026, 12, 1, tzinfo=UTC), sunset=datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC),
    successor="/api/v1/things",
)  # fmt: skip


@get("/api/v1/old-things/{number:int}", **deprecated({"public": True}, OLD))
async def list_old_things(number: FromPath[int]) -> list[int]:
    """List things, as before."""
    if number < 0:
        raise HTTPException(status_code=404)
    return [number]


@get("/api/v1/things")
async def list_things() -> list[int]:
    """List things."""
    return []


APP = Litestar([list_old_things, list_things])


async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
    await APP(scope, receive, with_answer_headers(scope, send))  # type: ignore[arg-type]


async def test_answers_and_errors_name_the_dates_and_the_replacement() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=wrapped), base_url="http://api.test") as client:
        for path, status in (("/api/v1/old-things/1", 200), ("/api/v1/old-things/-1", 404)):
            answer = await client.get(path)
            assert answer.status_code == status
            assert answer.headers["deprecation"] == "@1796083200"
            assert answer.headers["sunset"] == "Wed, 30 Jun 2027 23:59:59 GMT"
            assert answer.headers["link"] == '</api/v1/things>; rel="successor-version"'
        kept = await client.get("/api/v1/things")
        assert not {"deprecation", "sunset", "link"} & kept.headers.keys()


def test_the_description_marks_it() -> None:
    document = complete_document(APP.openapi_schema.to_schema())
    old = document["paths"]["/api/v1/old-things/{number}"]["get"]
    assert old["deprecated"] is True
    assert {"Deprecation", "Sunset"} <= old["responses"]["200"]["headers"].keys()
    kept = document["paths"]["/api/v1/things"]["get"]
    assert not kept.get("deprecated")
    assert "Deprecation" not in kept["responses"]["200"]["headers"]
    assert {"RateLimit", "RateLimit-Policy"} <= kept["responses"]["200"]["headers"].keys()
