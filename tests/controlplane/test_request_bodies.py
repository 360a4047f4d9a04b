"""Bodies of the API: strict JSON of the declared form, over all routes, with the refused field in the problem."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg

from foundation.web.requests import EXTENSIBLE, RequestBody
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    shared_admin,
    shared_env,
    shared_msp,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "application/json"
CLOUD_EVENTS = "/api/v1/clients/{client}/usage/cloudevents"
"""The only body with further fields: CloudEvents have extension attributes."""
DEFAULT = "/api/v1/retention/defaults/changes"


def body_handlers(web_app: WebApp) -> Iterator[tuple[str, HTTPRouteHandler, Any]]:
    """Address, handler and declared type of each route with a JSON body."""
    for route in web_app.app.routes:
        for handler in getattr(route, "route_handlers", []):
            field = handler.parsed_data_field
            body = field.kwarg_definition if field is not None else None
            if isinstance(body, BodyKwarg) and body.media_type == RequestEncodingType.JSON:
                yield route.path_format, handler, field.annotation


async def send(admin: Visit, body: bytes) -> Any:
    headers = {"Content-Type": JSON, "Accept": JSON, "X-CSRF-Token": admin.token}
    return await admin.http.put(DEFAULT, content=body, headers=headers)


async def kept(admin: Visit) -> int:
    listed = (await admin.api("GET", "/api/v1/retention/defaults")).json()["items"]
    return next(int(one["keep_days"]) for one in listed if one["name"] == "changes")


async def test_every_body_is_checked_strictly_and_without_further_fields(web_app: WebApp) -> None:
    found = list(body_handlers(web_app))
    assert len(found) > 12
    assert [path for path, handler, _ in found if handler.opt.get(EXTENSIBLE)] == [CLOUD_EVENTS]
    for path, handler, shape in found:
        assert handler.opt.get(EXTENSIBLE) or issubclass(shape, RequestBody), path
        assert "access" in handler.resolve_dependencies(), path
        assert "permission" in handler.opt, path  # required by `access` before it checks the body


async def test_every_body_with_an_unknown_field_is_refused_with_its_name(
    web_app: WebApp, msp_setup: MspSetup, admin: Visit
) -> None:
    await admin.get("/fleet")
    tried = set()
    for path, handler, _ in body_handlers(web_app):
        if path == CLOUD_EVENTS:
            continue
        at = path.replace("{client}", msp_setup.slug)
        for name in ("data_class", "role"):
            at = at.replace(f"{{{name}}}", "changes")
        while "{" in at:
            at = f"{at[: at.index('{')]}00000000-0000-0000-0000-000000000007{at[at.index('}') + 1 :]}"
        for method in handler.http_methods - {"OPTIONS"}:
            answer = await admin.api(method, at, {"colour": "red"})
            assert answer.headers["content-type"] == "application/problem+json", (method, path)
            if answer.status_code != 403:
                assert (answer.status_code, answer.json()["field"]) == (400, "colour"), (method, path)
                tried.add(path)
    assert len(tried) > 12


@pytest.mark.parametrize(
    "body",
    [
        '{"keep_days": 900}'.encode("utf-16"),
        '{"keep_days": 900}'.encode("utf-16-le"),
        '{"keep_days": 900}'.encode("utf-32"),
        b'\xef\xbb\xbf{"keep_days": 900}',
        b'{"keep_days": 1E400}',
        b'{"keep_days": -0}',
        b'{"keep_days": 900.5}',
        b'{"keep_days": 1_000}',
        '{"keep_days": ٩٠٠}'.encode(),
        '{"keep_days": "½"}'.encode(),
        b'{"keep_days": "900"}',
        b'{"keep_days": 0x384}',
        b'{"keep_days": NaN}',
        b'{"keep_days": Infinity}',
        b'{"keep_days": true}',
        b'{"keep_days": 900,}',
        b'{"keep_days": 9' + b"0" * 5_000 + b"}",
        b"{'keep_days': 900}",
        b'{"keep_days": 900} {}',
        b'{"keep_days": 900, "KEEP_DAYS": 1}',
        b'{"keep_days": 900, "keep_days": 900}',
        b'[{"keep_days": 900}]',
        b'"keep_days"',
        b"",
        b"null",
        b"{}",
        b'{"keep_days": [900]}',
        b'{"keep_days": 900, "": 1}',
        b'{"keep_days": ""}',
    ],
)
async def test_numbers_and_encodings_that_json_does_not_have_are_refused(
    msp_setup: MspSetup, admin: Visit, body: bytes
) -> None:
    await admin.get("/fleet")
    assert (await send(admin, b'{"keep_days": 731}')).status_code == 204
    answer = await send(admin, body)
    assert answer.status_code in {400, 422}, (answer.status_code, answer.text)
    assert answer.json()["type"].startswith("/problems/")
    assert await kept(admin) == 731


@pytest.mark.parametrize("number", [b"900.0", b"9e2", b"900", b"90E1"])
async def test_a_whole_number_may_be_written_as_json_allows(msp_setup: MspSetup, admin: Visit, number: bytes) -> None:
    await admin.get("/fleet")
    assert (await send(admin, b'{"keep_days": ' + number + b"}")).status_code == 204
    assert await kept(admin) == 900


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        (b'{"keep_days": "900"}', "keep_days", "“keep_days” is not a whole number."),
        (b'{"keep_days": 900, "KEEP_DAYS": 1}', "KEEP_DAYS", "The body has no field “KEEP_DAYS”."),
        (b"{}", "keep_days", "“keep_days” is missing or invalid."),
    ],
)
async def test_the_problem_names_the_field(
    msp_setup: MspSetup, admin: Visit, body: bytes, field: str, detail: str
) -> None:
    await admin.get("/fleet")
    answer = await send(admin, body)
    assert (answer.status_code, answer.json()["field"], answer.json()["detail"]) == (400, field, detail)


@pytest.mark.parametrize(
    "value",
    [
        {"type": "money", "amount": "19.99", "currency": "USD", "colour": "red"},
        {"type": "list", "items": [{"type": "text", "text": "a", "colour": "red"}]},
    ],
)
async def test_an_unknown_field_inside_a_value_is_refused_with_its_name(
    msp_setup: MspSetup, admin: Visit, value: object
) -> None:
    await admin.get("/fleet")
    body = {"record_key": "SKU-001", "element": "price.list", "value": value}
    answer = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/changes", body)
    assert (answer.status_code, answer.json()["field"]) == (400, "colour")


async def test_a_text_or_a_number_is_no_truth_value_and_no_list(msp_setup: MspSetup, admin: Visit) -> None:
    await admin.get("/fleet")
    for body in ({"name": "Tool", "manages_access": "true"}, {"name": "Tool", "manages_access": 1}, {"name": 5}):
        answer = await admin.api("POST", f"/api/v1/clients/{msp_setup.slug}/api-keys", body)
        wanted = "name" if body["name"] == 5 else "manages_access"
        assert (answer.status_code, answer.json()["field"]) == (400, wanted), body


async def test_permissions_are_checked_before_the_body(web_app: WebApp, msp_setup: MspSetup) -> None:
    partner = await web_app.signed_in(msp_setup.host, msp_setup.partner)
    answer = await partner.api("POST", f"/api/v1/clients/{msp_setup.slug}/api-keys", {"colour": "red"})
    assert answer.status_code == 403
