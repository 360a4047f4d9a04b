"""Malformed requests, headers, limits and links, on every route of the application."""

import gzip
import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from billing.usage.routes import BATCH_BYTES
from connectors.webhooks.signatures import sign
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.telemetry.asgi import ObservedApp
from foundation.web.boundary import Boundary
from foundation.web.client_address import ProxyRule, parse_networks
from foundation.web.file_forms import FILE_BYTES
from foundation.web.headers import SECURITY_HEADERS
from foundation.web.requests import FORM_BYTES, FORM_FIELDS, PUBLIC_FORM_BYTES
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import (  # noqa: F401 - fixtures
    shared_admin,
    shared_env,
    shared_msp,
    shared_relay_db,
    shared_services,
    shared_web_app,
)
from tests.support.web_app import MspSetup, Visit, WebApp, running_web_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEEP = b"[" * 100_000 + b"]" * 100_000
BAD_HOSTS = [
    "brand.example:x",
    "x:80/evil",
    "x:99999",
    "a b",
    "x@y",
    "",
    "[::1",
    "x:80:80",
    "a,b",
    "a%00b",
    "x:-1",
    "ü",
]
BAD_SEGMENTS = ["%00", "a%00b", "%", "%zz", "%ff", "%ed%a0%80", "%0a", "%7f", "a%1fb", "%c0%80", "%u0041"]
OAUTH_ENDPOINTS = ("token", "revoke", "introspect")
"""Public addresses of programs below `/oauth/`."""
_USAGE = "/api/v1/clients/{client:str}/usage"
LARGER = {
    **dict.fromkeys(
        (
            "/brands/{slug:str}/images/{kind:str}",
            "/api/v1/brands/{slug:str}/images/{kind:str}",
            "/clients/{client:str}/brand/images/{kind:str}",
            "/api/v1/clients/{client:str}/brand/images/{kind:str}",
            "/vendor-bills/uploads/new",
        ),
        FILE_BYTES,
    ),
    **dict.fromkeys(
        (_USAGE, f"{_USAGE}/cloudevents", "/api/v1/usage", "/api/v1/vendor-bills", "/api/v1/vendor-uploads"),
        BATCH_BYTES,
    ),
}
"""Limits of routes for files and batches, which need a permission."""
SCIM_ENDPOINTS = ("/scim/v2/{rest:path}",)
"""Addresses of identity providers. A body is read once the token is known, so its limit is that of a signed-in form."""
PUBLIC_FORMS = [
    "/impersonation/end",
    "/confirm/passkey",
    "/settings/security/passkeys/new",
    "/settings/security/passkeys/00000000-0000-0000-0000-000000000007/remove",
    "/sign-in/passkey",
    "/confirm",
    "/settings/security/app",
    "/settings/security/app/confirm",
    "/settings/security/app/remove",
    "/settings/security/password",
    "/settings/security/recovery-codes",
    "/settings/security/sessions/end-others",
    "/settings/security/sessions/" + "a" * 64 + "/end",
    "/sign-in/second-step",
    "/sign-in/sso",
    "/sign-in/set-up",
    "/forgot-password",
    "/reset-password/" + "a" * 43,
    "/reconnect/" + "a" * 43,
    "/settings",
    "/sign-in",
    "/sign-out",
    "/sign-out-everywhere",
    "/welcome/" + "a" * 43,
]


class Answer(msgspec.Struct):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]


async def raw(  # noqa: PLR0917 - a request as it is
    app: Any,
    method: str = "GET",
    path: str = "/",
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    messages: list[dict[str, Any]] | None = None,
    client: str = "127.0.0.1",
) -> Answer:
    """Call the application as uvicorn does, because client libraries refuse to send these requests."""
    from urllib.parse import unquote

    sent: list[dict[str, Any]] = []
    brought = iter(messages or [{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(brought, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": unquote(path),
        "raw_path": path.encode("latin-1"), "query_string": query, "root_path": "", "scheme": "http",
        "headers": headers or [], "client": (client, 1), "server": ("127.0.0.1", 8123), "state": {}, "extensions": {},
    }  # fmt: skip
    await app(scope, receive, send)
    found = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


def host_of(name: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", name.encode())]


@pytest.fixture
def errors(caplog: pytest.LogCaptureFixture) -> Iterator[list[logging.LogRecord]]:
    with caplog.at_level(logging.ERROR):
        yield caplog.records


async def test_the_application_leaves_the_logging_of_its_process_alone(services: Services, tmp_path: Path) -> None:
    """Litestar would replace our handler: other line format, without redaction of secrets."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    async with running_web_app(services, tmp_path):
        assert (list(root.handlers), root.level) == before


class TestMalformedRequests:
    async def test_an_invalid_host_is_a_400(self, web_app: WebApp, capsys: pytest.CaptureFixture[str]) -> None:
        for host in BAD_HOSTS:
            for path in ("/", "/sign-in", "/api/v1/clients", "/nowhere", "/hooks/x"):
                answer = await raw(web_app.observed, path=path, headers=[(b"host", host.encode("latin-1"))])
                assert answer.status == 400, host
                assert json.loads(answer.body)["type"] == "/problems/malformed-request"
        assert "web.failed" not in capsys.readouterr().out

    async def test_a_request_has_exactly_one_host(self, web_app: WebApp) -> None:
        for headers in ([], host_of("a.example") * 2, [(b"host", b"\xfc")]):
            assert (await raw(web_app.observed, headers=headers)).status == 400

    async def test_a_host_without_a_brand_still_has_health(self, web_app: WebApp) -> None:
        for host in ("127.0.0.1:8000", "[::1]:8000", "fairlead-web.default.svc", "web_1:80", "x:"):
            assert (await raw(web_app.observed, path="/healthz", headers=host_of(host))).status == 200

    async def test_a_segment_that_cannot_be_read_is_a_400_on_every_route(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        paths = {route.path_format for route in web_app.app.routes} | {
            "/static/x",
            "/hooks/x",
            "/brand/x",
            "/nowhere/x",
        }
        for path, bad in itertools.product(paths, BAD_SEGMENTS):
            segments = path.split("/")[1:]
            for place in range(len(segments)):
                tried = "/" + "/".join([*segments[:place], bad, *segments[place + 1 :]])
                answer = await raw(web_app.observed, path=tried, headers=host_of(msp_setup.host))
                assert answer.status == 400, tried

    async def test_a_query_that_cannot_be_read_is_a_400(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        for query in (b"cursor=%00", b"cursor=%zz", b"%", b"q=%ff", b"q=\xff", b"\x00"):
            for path in ("/sign-in", "/api/v1/clients", "/", "/nowhere"):
                assert (
                    await raw(web_app.observed, path=path, query=query, headers=host_of(msp_setup.host))
                ).status == 400

    async def test_a_header_that_cannot_be_read_is_never_a_500(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        headers = [
            (b"cookie", b"session=%00; __Host-session=%zz; a"),
            (b"cookie", b"\xff=\xfe;=;;"),
            (b"accept", b"\xff;q=x"),
            (b"content-type", b"multipart/form-data; boundary=\xff"),
            (b"content-type", b"application/json; charset=%00"),
            (b"authorization", b"Bearer %00"),
            (b"authorization", b"\xff"),
            (b"origin", b"http://[::"),
            (b"idempotency-key", b"\xff"),
            (b"hx-request", b"\xff"),
            (b"x-forwarded-for", b"\x00,"),
            (b"content-length", b"x"),
            (b"range", b"bytes=%zz"),
            (b"if-none-match", b"\xff"),
        ]
        requests = [
            ("GET", "/"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/fleet"), ("POST", "/api/v1/api-keys"),
            ("GET", "/nowhere"), ("GET", "/static/app.css"), ("POST", "/hooks/x"), ("GET", "/api/v1/clients"),
        ]  # fmt: skip
        for header, (method, path) in itertools.product(headers, requests):
            answer = await raw(web_app.observed, method, path, headers=[*host_of(msp_setup.host), header])
            assert answer.status < 500, (header, method, path)

    @pytest.mark.parametrize("path", ["/sign-in", "/welcome/x", "/hooks/x", "/api/v1/clients", "/fleet"])
    async def test_a_client_that_disconnects_is_no_server_error(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit, capsys: pytest.CaptureFixture[str], path: str
    ) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in admin.http.cookies.items())
        headers = [
            *host_of(msp_setup.host),
            (b"cookie", cookies.encode()),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ]
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": b"a=", "more_body": True},
            {"type": "http.disconnect"},
        ]
        answer = await raw(web_app.observed, "POST", path, headers=headers, messages=messages)
        assert answer.status < 500
        assert "web.failed" not in capsys.readouterr().out

    async def test_an_error_of_the_error_handler_is_an_answer_without_details(self, msp_setup: MspSetup) -> None:
        async def broken(scope: Any, receive: Any, send: Any) -> None:
            raise RuntimeError("secret detail")

        app = ObservedApp(Boundary(broken), registry=CollectorRegistry())
        answer = await raw(app, headers=host_of(msp_setup.host))
        assert answer.status == 500
        assert json.loads(answer.body)["correlation"] == answer.values("x-correlation-id")[0]
        assert b"secret" not in answer.body
        assert answer.values("x-content-type-options") == ["nosniff"]


class TestOneReading:
    """A proxy and each part of ours must interpret a request identically."""

    async def test_a_path_with_empty_segments_has_the_rules_of_the_route_that_serves_it(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        for path in ("//api/v1/clients", "/api//v1/clients", "///api/v1/nothing", "//api//v1/api-keys"):
            answer = await raw(web_app.observed, path=path, headers=host_of(msp_setup.host))
            assert answer.values("content-type") == ["application/problem+json"], path
            assert answer.values("cache-control") == ["no-store"], path
        assert (await raw(web_app.observed, "POST", "//hooks/x", headers=host_of(msp_setup.host))).status == 404

    async def test_webhooks_are_accepted_at_their_own_address_only(self, web_app: WebApp, env: ClientEnv) -> None:
        headers = sign(env.hook_secret.encode(), message_id="m1", sent_at=utc_now(), body=b"{}")
        http = web_app.visit("127.0.0.1").http
        for path in (f"/hookss/{env.erp}", f"/hooks/x/{env.erp}", f"/hooksx/y/{env.erp}", f"/hooks{env.erp}"):
            assert (await http.post(path, content=b"{}", headers=headers)).status_code == 404, path
        assert (await http.post(f"/hooks//{env.erp}/", content=b"{}", headers=headers)).status_code == 202

    async def test_a_header_that_decides_something_is_not_repeated(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        made = await admin.api(
            "POST",
            f"/api/v1/clients/{msp_setup.slug}/api-keys",
            {"name": "A", "role": "client_admin", "manages_access": True},
        )
        key = (b"authorization", f"Bearer {made.json()['key']}".encode())
        path, more = f"/api/v1/clients/{msp_setup.slug}/api-keys", (b"authorization", b"Bearer other")
        for pair in ([key, more], [more, key], [key, key]):
            answer = await raw(web_app.observed, path=path, headers=[*host_of(msp_setup.host), *pair])
            assert (answer.status, json.loads(answer.body)["type"]) == (400, "/problems/malformed-request")
        once = [*host_of(msp_setup.host), key, (b"content-type", b"application/json")]
        body = [{"type": "http.request", "body": b'{"name": "B", "role": "machine"}', "more_body": False}]
        for values, status in (((b"k1", b"k2"), 400), ((b"k1", b"k1"), 400), ((b"k1",), 201)):
            keys = [(b"idempotency-key", value) for value in values]
            answer = await raw(web_app.observed, "POST", path, headers=[*once, *keys], messages=body)
            assert answer.status == status, answer.body

    async def test_clients_that_accept_problems_get_one(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        headers = [*host_of(msp_setup.host), (b"accept", b"application/problem+json")]
        answer = await raw(web_app.observed, path="/nowhere", headers=headers)
        assert answer.values("content-type") == ["application/problem+json"]


class TestHeaders:
    async def test_every_answer_has_the_security_headers_once(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        for method, path, status in (
            ("GET", "/", 303), ("GET", "/sign-in", 200), ("GET", "/nowhere", 404), ("PUT", "/sign-in", 405),
            ("OPTIONS", "/sign-in", 204), ("GET", "/healthz", 200), ("GET", "/readyz", 200), ("GET", "/hooks/x", 405),
            ("POST", "/hooks/x", 404), ("GET", "/static/nothing.css", 404), ("GET", "/static/manifest.json", 200),
            ("GET", "/api/v1/clients", 401), ("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/clients", 405),
            ("GET", "/brand/none.css", 404), ("GET", "/%00", 400),
        ):  # fmt: skip
            answer = await raw(web_app.observed, method, path, headers=host_of(msp_setup.host))
            assert answer.status == status, path
            for name, value in SECURITY_HEADERS:
                assert answer.values(name.decode()) == [value.decode()], path
            assert len(answer.values("cache-control")) == 1, path

    async def test_api_answers_and_refusals_are_not_stored(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        for path in ("/api/v1/clients", "/api/v1/nothing", "/hooks/x", "/nowhere"):
            answer = await raw(web_app.observed, path=path, headers=host_of(msp_setup.host))
            assert answer.values("cache-control") == ["no-store"]

    async def test_a_405_lists_the_allowed_methods(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        for path in ("/api/v1/api-keys", "/sign-in"):
            answer = await raw(web_app.observed, "OPTIONS", path, headers=host_of(msp_setup.host))
            assert (answer.status, answer.values("allow")) == (204, ["GET, HEAD, OPTIONS, POST"])
        for method, path, allow in (
            ("DELETE", "/api/v1/clients", "GET, HEAD, OPTIONS, POST"),
            ("PUT", "/sign-in", "GET, HEAD, OPTIONS, POST"),
            ("GET", "/hooks/x", "POST"),
            ("PUT", "/api/v1/api-keys", "GET, HEAD, OPTIONS, POST"),
        ):
            answer = await raw(web_app.observed, method, path, headers=host_of(msp_setup.host))
            assert (answer.status, answer.values("allow")) == (405, [allow])

    async def test_head_is_answered_on_every_get_route(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        script = (await web_app.visit(msp_setup.host).http.get("/static/manifest.json")).json().popitem()[1]
        for path in ("/sign-in", "/healthz", "/api/v1/clients", "/api/v1/schema", "/nowhere", "/api/v1/nothing", "/",
                     f"/static/{script}", "/static/none.css"):  # fmt: skip
            got = await raw(web_app.observed, path=path, headers=host_of(msp_setup.host))
            head = await raw(web_app.observed, "HEAD", path, headers=host_of(msp_setup.host))
            assert (head.status, head.body) == (got.status, b""), path
            for name in ("content-type", "content-length", "cache-control", "content-security-policy", "location"):
                same = name == "content-length" and got.status >= 400  # a problem names its own request
                assert same or head.values(name) == got.values(name), (path, name)

    async def test_head_is_refused_where_there_is_no_get(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        for path, allow in (("/hooks/x", "POST"), ("/sign-out", "OPTIONS, POST")):
            answer = await raw(web_app.observed, "HEAD", path, headers=host_of(msp_setup.host))
            assert (answer.status, answer.values("allow")) == (405, [allow])

    async def test_hashed_files_are_cacheable_for_ever_and_compressed(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        http = web_app.visit(msp_setup.host).http
        manifest = (await http.get("/static/manifest.json")).json()
        for name in manifest.values():
            answer = await http.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-encoding"] == "gzip"
            plain = await http.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers
            assert plain.content == answer.content
        page = await http.get("/sign-in", headers={"Accept-Encoding": "gzip"})
        assert page.headers["content-encoding"] == "gzip"
        assert "no-store" in page.headers["cache-control"]

    async def test_an_answer_is_compressed_for_clients_that_accept_it(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        http = web_app.visit(msp_setup.host).http
        file = (await http.get("/static/manifest.json")).json().popitem()[1]
        for path, (accepted, is_packed) in itertools.product(
            (f"/static/{file}", "/sign-in"),
            [
                ("gzip", True), ("gzip;q=0.5", True), ("br, gzip", True), ("*", True), ("GZIP", True), ("x-gzip", True),
                ("gzip;q=0", False), ("gzip;q=0.000, *", False), ("*;q=0", False), ("identity", False), ("", False),
                ("gzip;q=0.5, identity;q=1", False), ("gzip;q=x", False), ("br", False), ("gzipped", False),
            ],
        ):  # fmt: skip
            answer = await http.get(path, headers={"Accept-Encoding": accepted})
            assert ("content-encoding" in answer.headers) == is_packed, (path, accepted)
            assert [name.strip() for name in answer.headers["vary"].split(",")].count("Accept-Encoding") == 1

    async def test_a_cached_file_gets_304_and_each_encoding_has_its_own_tag(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        http = web_app.visit(msp_setup.host).http
        path = "/static/" + (await http.get("/static/manifest.json")).json().popitem()[1]
        plain = await http.get(path, headers={"Accept-Encoding": "identity"})
        packed = await http.get(path, headers={"Accept-Encoding": "gzip"})
        tags = {"identity": plain.headers["etag"], "gzip": packed.headers["etag"]}
        assert tags["identity"] != tags["gzip"]
        for coding, tag in tags.items():
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                for method in ("GET", "HEAD"):
                    headers = {"Accept-Encoding": coding, "If-None-Match": known}
                    answer = await http.request(method, path, headers=headers)
                    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
                    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
                    assert "content-length" not in answer.headers
                    assert "content-encoding" not in answer.headers
            other = tags["gzip" if coding == "identity" else "identity"]
            for known in (other, '"x"', "", tag.strip('"')):
                headers = {"Accept-Encoding": coding, "If-None-Match": known}
                assert (await http.get(path, headers=headers)).status_code == 200

    async def test_a_browser_gets_the_refusal_of_an_unreadable_address_as_a_page(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        browser = (b"accept", b"text/html,application/xhtml+xml,*/*;q=0.8")
        answer = await raw(web_app.observed, path="/clients/%zz", headers=[*host_of(msp_setup.host), browser])
        assert (answer.status, answer.values("content-type")) == (400, ["text/html; charset=utf-8"])
        assert answer.values("x-correlation-id")[0].encode() in answer.body
        program = await raw(web_app.observed, path="/api/v1/%zz", headers=[*host_of(msp_setup.host), browser])
        assert program.values("content-type") == ["application/problem+json"]

    async def test_a_name_that_cannot_be_a_file_is_a_404(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        file = "/static/" + (await web_app.visit(msp_setup.host).http.get("/static/manifest.json")).json().popitem()[1]
        for path in (f"{file}/x", f"{file}/..", f"{file}/%5c", "/static/" + "a" * 300, "/static/" + "a/" * 2500):
            for method in ("GET", "HEAD"):
                answer = await raw(web_app.observed, method, path, headers=host_of(msp_setup.host))
                assert answer.status == 404, path

    async def test_external_correlation_ids_are_stored_separately(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        headers = [*host_of(msp_setup.host), (b"x-correlation-id", b"chosen-by-caller")]
        assert (await raw(web_app.observed, headers=headers)).values("x-correlation-id") != ["chosen-by-caller"]


class TestBodies:
    async def test_a_body_with_a_field_twice_is_ambiguous_and_refused(self, admin: Visit, msp_setup: MspSetup) -> None:
        path = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        headers = {"X-CSRF-Token": admin.token, "Content-Type": "application/json"}
        body = b'{"name": "A", "role": "machine", "r\\u006fle": "client_admin"}'
        before = (await admin.api("GET", path)).json()["items"]
        answer = await admin.http.post(path, content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-body")
        assert "“role” twice" in answer.json()["detail"]
        assert (await admin.api("GET", path)).json()["items"] == before

    async def test_the_caller_is_authenticated_before_the_body_is_read(
        self, web_app: WebApp, msp_setup: MspSetup
    ) -> None:
        http = web_app.visit(msp_setup.host).http
        bodies = [DEEP, b'{"a":' * 100_000, b"{", b"\xff", b"x" * (FORM_BYTES + 1)]
        for body, text in itertools.product(bodies, ["", "Bearer nonsense", "Bearer fl_" + "a" * 60]):
            headers = {"Content-Type": "application/json", "Authorization": text}
            for path in ("/api/v1/api-keys", "/api/v1/members", f"/api/v1/clients/{msp_setup.slug}/changes"):
                assert (await http.post(path, content=body, headers=headers)).status_code == 401

    async def test_a_key_that_is_well_formed_and_wrong_is_refused_before_the_body(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        keys = f"/api/v1/clients/{msp_setup.slug}/api-keys"
        key = (await admin.api("POST", keys, {"name": "Shop", "role": "machine"})).json()["key"]
        wrong = key[:-2] + ("aa" if not key.endswith("aa") else "bb")
        http = web_app.visit(msp_setup.host).http
        for text, status in ((wrong, 401), (key, 400)):
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {text}"}
            assert (await http.post(keys, content=DEEP[:60_000], headers=headers)).status_code == status

    async def test_an_unreadable_body_is_a_client_error(self, admin: Visit) -> None:
        headers = {"X-CSRF-Token": admin.token, "Content-Type": "application/json"}
        for body, status in (
            (b"[" * 30_000 + b"]" * 30_000, 400),
            (b'{"name":' * 6_000 + b"1" + b"}" * 6_000, 400),
            (b'{"name": "a", "role": "machine", "x": ' + b"[" * 500 + b"]" * 500 + b"}", 400),
            (b'{"name": "\xff", "role": "machine"}', 400),
            (b'{"name": "\\ud800", "role": "machine"}', 400),
            (b'{"name": 1e999, "role": "machine"}', 400),
            (b'{"name": "a\\u0000b", "role": "machine"}', 422),
            (b'{"name": 5, "role": "machine"}', 400),
            (b"null", 400),
            (b"", 400),
            (b"[]", 400),
            (b"x" * (FORM_BYTES + 1), 413),
        ):
            answer = await admin.http.post("/api/v1/api-keys", content=body, headers=headers)
            assert answer.status_code == status, (body[:60], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert "msgspec" not in answer.text
            assert "http://" not in answer.json()["detail"]

    async def test_a_body_of_another_type_is_not_parsed(self, admin: Visit) -> None:
        body = b'{"name": "a", "role": "nonsense"}'
        bomb = gzip.compress(b"0" * 5_000_000)
        for sent, headers, status in (
            (body, {"Content-Type": "text/plain"}, 415),
            (body, {"Content-Type": "application/xml"}, 415),
            (body, {"Content-Type": "multipart/form-data; boundary=x"}, 415),
            (body, {"Content-Type": "application/jsonx"}, 415),
            (body, {"Content-Type": "application/json, text/plain"}, 415),
            (body, {"Content-Type": "application/json; charset=utf-16"}, 415),
            (bomb, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
            (body, {"Content-Type": "application/json", "Content-Encoding": "identity, br"}, 415),
            (body, {"Content-Type": 'Application/JSON; Charset="UTF-8"', "Content-Encoding": "identity"}, 403),
            (body, {"Content-Type": "application/merge-patch+json"}, 403),
            (body, {}, 403),
        ):
            answer = await admin.http.post(
                "/api/v1/api-keys", content=sent, headers={"X-CSRF-Token": admin.token, **headers}
            )
            assert answer.status_code == status, (headers, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
        assert (await admin.http.post("/sign-in", content=bomb[:4000], headers=form)).status_code == 415

    async def test_public_forms_have_small_limits(self, web_app: WebApp, msp_setup: MspSetup) -> None:
        http = web_app.visit(msp_setup.host).http
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for path in PUBLIC_FORMS:  # sign-out and an unknown link do not read a body
            answer = await http.post(path, content=b"a&" * 500_000, headers=headers)
            read = path.startswith(("/sign-in", "/forgot-password"))
            by_link = path.startswith(("/welcome", "/reset-password", "/reconnect"))
            assert answer.status_code == (413 if read else 410 if by_link else 303), path
        many = b"a&" * FORM_FIELDS + b"a"
        assert (await http.post("/sign-in", content=many, headers=headers)).status_code == 400
        assert (await http.post("/sign-in", content=b"email=%00", headers=headers)).status_code == 403
        parts = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await http.post("/sign-in", content=b"--x--", headers=parts)).status_code == 415

    async def test_every_public_route_has_a_small_limit(self, web_app: WebApp) -> None:
        """A sweep: a new public route without a limit fails here. Webhooks have a limit of their own."""
        found = 0
        for route in web_app.app.routes:
            for handler in getattr(route, "route_handlers", []):
                if handler.http_methods & {"POST", "PUT", "PATCH", "DELETE"}:
                    limit = handler.resolve_request_max_body_size()
                    public = "permission" not in handler.opt
                    small = public and route.path not in SCIM_ENDPOINTS
                    most = PUBLIC_FORM_BYTES if small else LARGER.get(route.path, FORM_BYTES)
                    assert limit <= most, route.path
                    found += public
        assert found == len(PUBLIC_FORMS) + len(OAUTH_ENDPOINTS) + len(SCIM_ENDPOINTS)


class TestLinks:
    async def test_an_invitation_leads_to_the_brands_own_host(
        self, web_app: WebApp, msp_setup: MspSetup, admin: Visit
    ) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in admin.http.cookies.items())
        for number, host in enumerate(
            (msp_setup.host, f"{msp_setup.host}:9999", f"{msp_setup.host}.", msp_setup.host.upper())
        ):
            member = {"email": f"v15-{number}@example.test", "name": "New", "role": "client_viewer"}
            headers = {"X-CSRF-Token": admin.token, "Host": host, "Origin": f"http://{host}", "Cookie": cookies}
            answer = await admin.http.post(f"/api/v1/clients/{msp_setup.slug}/members", json=member, headers=headers)
            assert answer.status_code == 201, answer.text
            assert answer.json()["link"].startswith(f"http://{msp_setup.host}/welcome/")


class TestProxies:
    @pytest.mark.parametrize(("peer", "expected"), [("10.0.0.9", "1.2.3.4"), ("203.0.113.5", "203.0.113.5")])
    async def test_headers_of_a_configured_proxy_are_used(self, peer: str, expected: str) -> None:
        seen: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            seen.append((scope["client"][0], scope["scheme"]))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        guarded = Boundary(app, proxies=ProxyRule(networks=parse_networks("10.0.0.0/8")))
        headers = [*host_of("a"), (b"x-forwarded-for", b"6.6.6.6, 1.2.3.4"), (b"x-forwarded-proto", b"https")]
        await raw(guarded, headers=headers, client=peer)
        assert seen == [(expected, "https" if peer.startswith("10.") else "http")]


class TestOneSentencePerMistake:
    async def test_an_invalid_body_names_the_field_as_in_the_api(self, admin: Visit) -> None:
        for body, field in (
            ({"role": "machine", "extra": 1, "name": "a"}, "extra"),
            ({"name": 5, "role": "machine"}, "name"),
            ({"name": "a", "role": None}, "role"),
            ([], None),
            (5, None),
        ):
            answer = await admin.api("POST", "/api/v1/api-keys", body)
            assert (answer.status_code, answer.json().get("field")) == (400, field)
            assert "data" not in answer.json()["detail"]

    async def test_the_same_mistake_has_the_same_title(self, admin: Visit) -> None:
        await admin.http.get("/api/v1/schema/openapi.json")  # after it the framework lists parts of addresses, too
        for query, status in (
            ("cursor=zzz", 400), ("limit=zzz", 400), ("limit=1e9", 422), ("limit=0", 422), ("limit=99999", 422),
        ):  # fmt: skip
            answer = await admin.http.get(f"/api/v1/api-keys?{query}")
            assert answer.status_code == status
            body = answer.json()
            assert (body["type"], body["title"]) == ("/problems/invalid-input", "The input is not valid")
            assert body["field"] == query.partition("=")[0]
            assert "Validation failed" not in body["detail"]
