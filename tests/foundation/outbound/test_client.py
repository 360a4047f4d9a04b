"""The outbound client against real sockets."""

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis.asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry, generate_latest

from connectors.ports import HttpCaller
from foundation.clock import Clock, utc_now
from foundation.outbound import OutboundRefused, OutboundThrottled, OutboundUnavailable
from foundation.outbound.client import BoundCaller, OutboundClient
from foundation.outbound.metrics import OutboundMetrics
from foundation.outbound.settings import BreakerSettings, OutboundSettings, parse_allowed
from foundation.telemetry.correlation import correlated
from tests.foundation.outbound.server import Answer, FakeNames, FakeSystem, Handler, Resolver, Seen, running
from tests.foundation.outbound.test_gate import MovableClock

LOOPBACK = parse_allowed("127.0.0.1/32")
SETTINGS = OutboundSettings(
    allowed=LOOPBACK, connect_seconds=30, read_seconds=30, total_seconds=60, valkey_seconds=30, clock_decides=True
)
TENANT = UUID(int=7)


@dataclass
class Recorder:
    calls: list[str]

    def called(self, tenant_id: UUID, credential_id: str, outcome: str, seconds: float) -> None:
        assert tenant_id == TENANT
        assert seconds >= 0
        self.calls.append(outcome)

    def held(self, tenant_id: UUID, credential_id: str, reason: str) -> None:
        self.calls.append(reason)

    def repeated(self, tenant_id: UUID, credential_id: str) -> None:
        self.calls.append("again")


class Outside:
    """A client with its observer; closed at the end."""

    def __init__(self, client: OutboundClient, recorder: Recorder) -> None:
        self.client = client
        self.outcomes = recorder.calls

    def caller(self, rate: float = 1000, burst: int = 1000) -> BoundCaller:
        return self.client.for_credential(TENANT, uuid4().hex, rate, burst)


Make = Callable[..., Outside]


@pytest.fixture
async def make(valkey: "redis.asyncio.Redis") -> AsyncIterator[Make]:
    made: list[Outside] = []

    def build(
        settings: OutboundSettings = SETTINGS, resolver: Resolver | None = None, clock: Clock | None = None
    ) -> Outside:
        recorder = Recorder([])
        client = OutboundClient(
            settings, valkey, clock or MovableClock(), resolver=resolver or FakeNames(), observer=recorder
        )
        made.append(Outside(client, recorder))
        return made[-1]

    yield build
    for outside in made:
        await outside.client.close()


@pytest.fixture
async def system() -> AsyncIterator[FakeSystem]:
    async with running(lambda seen: Answer(body=b"hello")) as started:
        yield started


def answering(**answer: object) -> Handler:
    return lambda seen: Answer(**answer)  # type: ignore[arg-type]


class TestRequests:
    async def test_request_and_answer_arrive_unchanged(self, make: Make, system: FakeSystem) -> None:
        caller: HttpCaller = make().caller()

        response = await caller.request(
            "POST", f"{system.url}/orders?limit=5#part", headers={"Authorization": "Bearer t"}, content=b'{"a":1}'
        )

        assert (response.status_code, response.content) == (200, b"hello")
        assert response.headers["Content-Length"] == response.headers["content-length"] == "5"
        seen = system.seen[0]
        assert (seen.method, seen.path, seen.body) == ("POST", "/orders?limit=5", b'{"a":1}')
        assert seen.headers == {
            "host": f"127.0.0.1:{system.port}", "user-agent": "commerce-integration/1", "authorization": "Bearer t",
            "accept-encoding": "gzip, deflate", "content-length": "7",
        }  # fmt: skip

    async def test_a_post_without_content_has_content_length_0(self, make: Make, system: FakeSystem) -> None:
        await make().caller().request("POST", system.url)

        assert system.seen[0].headers["content-length"] == "0"

    async def test_the_correlation_id_goes_along(self, make: Make, system: FakeSystem) -> None:
        with correlated("abc-123"):
            await make().caller().request("GET", system.url)

        assert system.seen[0].headers["x-correlation-id"] == "abc-123"

    async def test_connections_are_used_again(self, make: Make, system: FakeSystem) -> None:
        caller = make().caller()
        for _ in range(5):
            await caller.request("GET", system.url)

        assert system.connections == 1

    async def test_cookies_are_never_stored(self, make: Make) -> None:
        outside = make()
        async with running(answering(headers={"set-cookie": "session=of-another-tenant"})) as system:
            await outside.caller().request("GET", system.url)
            await outside.caller().request("GET", system.url)

        assert "cookie" not in system.seen[1].headers

    async def test_proxies_of_the_environment_are_not_used(
        self, make: Make, system: FakeSystem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert (await make().caller().request("GET", system.url)).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [{"Host": "evil.example"}, {"Content-Length": "1"}, {"transfer-encoding": "chunked"}, {"X-A": "1\r\nX-B: 2"},
         {"X A": "1"}, {"X-A": "☃"}, {"": "1"}],
    )  # fmt: skip
    async def test_headers_that_would_change_the_request_are_refused(
        self, make: Make, system: FakeSystem, headers: dict[str, str]
    ) -> None:
        with pytest.raises(OutboundRefused):
            await make().caller().request("GET", system.url, headers=headers)
        assert system.seen == []

    async def test_invalid_methods_are_refused(self, make: Make, system: FakeSystem) -> None:
        with pytest.raises(OutboundRefused):
            await make().caller().request("GET / HTTP/1.1\r\nX: y\r\n", system.url)


class TestAddresses:
    async def test_a_redirect_is_an_answer_and_is_not_followed(self, make: Make, system: FakeSystem) -> None:
        async with running(answering(status=302, headers={"location": f"{system.url}/private"})) as door:
            response = await make().caller().request("GET", door.url)

        assert response.status_code == 302
        assert system.seen == []

    async def test_a_name_is_resolved_once_per_connection_and_the_checked_address_is_called(
        self, make: Make, system: FakeSystem
    ) -> None:
        names = FakeNames(shop_example=["127.0.0.1"])
        caller = make(resolver=names).caller()
        for _ in range(3):
            await caller.request("GET", f"http://shop.example:{system.port}/")

        assert names.asked == ["shop.example"]
        assert system.seen[0].headers["host"] == f"shop.example:{system.port}"

    async def test_a_name_that_resolves_to_another_address_is_refused_on_the_next_connection(self, make: Make) -> None:
        answers = iter([["127.0.0.1"], ["169.254.169.254"]])

        async def rebinding(host: str, port: int) -> list[str]:
            return next(answers)

        caller = make(resolver=rebinding).caller()
        async with running(answering(headers={"connection": "close"})) as system:
            await caller.request("GET", f"http://shop.example:{system.port}/")
            with pytest.raises(OutboundRefused):
                await caller.request("GET", f"http://shop.example:{system.port}/")

    async def test_a_dead_address_of_a_name_is_skipped(self, make: Make, system: FakeSystem) -> None:
        settings = replace(SETTINGS, allowed=parse_allowed("127.0.0.0/8 ::1/128"))
        names = FakeNames(shop_example=["::1", "127.0.0.1"])

        response = await make(settings, names).caller().request("GET", f"http://shop.example:{system.port}/")
        assert response.status_code == 200

    async def test_a_name_service_that_hangs_ends_with_the_time_limit(self, make: Make) -> None:
        async def hanging(host: str, port: int) -> list[str]:
            await asyncio.Event().wait()
            return []

        outside = make(replace(SETTINGS, connect_seconds=0.05), hanging)
        with pytest.raises(OutboundUnavailable):
            await outside.caller().request("GET", "https://shop.example/")
        assert outside.outcomes == ["timeout"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of shop.example."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


class TestTls:
    async def test_the_name_is_sent_and_verified_though_the_address_is_called(
        self, make: Make, certificate: Path
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        names = FakeNames(shop_example=["127.0.0.1"], other_example=["127.0.0.1"])
        outside = make(replace(SETTINGS, ca_file=certificate), names)

        async with running(answering(), context) as system:
            response = await outside.caller().request("GET", f"https://shop.example:{system.port}/")
            assert response.status_code == 200
            with pytest.raises(OutboundUnavailable):
                await outside.caller().request("GET", f"https://other.example:{system.port}/")

        assert system.server_names == ["shop.example", "other.example"]
        assert outside.outcomes == ["2xx", "unreachable"]

    async def test_an_untrusted_certificate_is_refused(self, make: Make, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        async with running(answering(), context) as system:
            outside = make(resolver=FakeNames(shop_example=["127.0.0.1"]))
            with pytest.raises(OutboundUnavailable):
                await outside.caller().request("GET", f"https://shop.example:{system.port}/")


SMALL = replace(SETTINGS, max_response_bytes=1000)
BOMB = gzip.compress(b"\0" * 60_000_000)


class TestAnswers:
    @pytest.mark.parametrize(
        "answer",
        [
            {"body": b"x" * 1001},
            {"raw": [b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000]},
            {"raw": [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"] * 1},
            {"body": gzip.compress(b"x" * 100_000), "headers": {"content-encoding": "gzip"}},
            {"raw": [b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n"]},
        ],
        ids=["declared", "until-close", "chunked", "bomb", "promised"],
    )
    async def test_an_answer_that_is_too_long_is_cut_off(self, make: Make, answer: dict[str, Any]) -> None:
        outside = make(SMALL)
        async with running(answering(**answer)) as system:
            with pytest.raises(OutboundUnavailable, match="larger than allowed"):
                await outside.caller().request("GET", system.url)
        assert outside.outcomes == ["oversized"]

    async def test_an_answer_is_never_unpacked_beyond_the_limit(self, make: Make) -> None:
        async with running(answering(body=BOMB, headers={"content-encoding": "gzip"})) as system:
            tracemalloc.start()
            try:
                with pytest.raises(OutboundUnavailable, match="larger than allowed"):
                    await make(replace(SETTINGS, max_response_bytes=len(BOMB))).caller().request("GET", system.url)
                _, most = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert most < 10 * 1024 * 1024

    @pytest.mark.parametrize("size", [0, 1, 999, 1000])
    @pytest.mark.parametrize("encoding", ["identity", "gzip"])
    async def test_up_to_the_limit_everything_arrives(self, make: Make, size: int, encoding: str) -> None:
        body = bytes(range(256)) * 4
        packed = gzip.compress(body[:size]) if encoding == "gzip" else body[:size]
        async with running(answering(body=packed, headers={"content-encoding": encoding})) as system:
            response = await make(SMALL).caller().request("GET", system.url)
        assert response.content == body[:size]

    @pytest.mark.parametrize(
        "answer",
        [
            {"raw": [b"SSH-2.0-OpenSSH_9.2\r\n"]},
            {"raw": [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc"]},
            {"raw": [b""]},
            {"body": b"not gzip", "headers": {"content-encoding": "gzip"}},
            {"body": gzip.compress(b"x" * 900)[:-9], "headers": {"content-encoding": "gzip"}},
            {"body": b"x", "headers": {"content-encoding": "br"}},
        ],
        ids=["no-http", "cut", "closed", "not-gzip", "cut-gzip", "unknown"],
    )
    async def test_a_broken_answer_is_an_outage(self, make: Make, answer: dict[str, Any]) -> None:
        async with running(answering(**answer)) as system:
            with pytest.raises(OutboundUnavailable):
                await make(SMALL).caller().request("GET", system.url)

    async def test_a_system_that_never_answers_ends_with_the_time_limit(self, make: Make) -> None:
        never = asyncio.Event()
        outside = make(replace(SETTINGS, read_seconds=0.05))
        async with running(answering(until=never)) as system:
            with pytest.raises(OutboundUnavailable):
                await outside.caller().request("GET", system.url)
            never.set()
        assert outside.outcomes == ["timeout"]

    async def test_a_system_that_drips_ends_with_the_total_limit(self, make: Make) -> None:
        outside = make(replace(SETTINGS, total_seconds=0.2))
        async with running(answering(drip=True, headers={"content-length": "100000"}, body=b"x")) as system:
            with pytest.raises(OutboundUnavailable):
                await outside.caller().request("GET", system.url)
        assert outside.outcomes == ["timeout"]

    async def test_a_closed_port_is_an_outage(self, make: Make) -> None:
        async with running(answering()) as system:
            pass
        outside = make()
        with pytest.raises(OutboundUnavailable):
            await outside.caller().request("GET", system.url)
        assert outside.outcomes == ["unreachable"]


class TestLimits:
    async def test_a_429_is_handed_over_and_the_next_call_is_held_back(self, make: Make) -> None:
        outside = make()
        caller = outside.caller()
        async with running(answering(status=429, headers={"retry-after": "60"})) as system:
            assert (await caller.request("GET", system.url)).status_code == 429
            with pytest.raises(OutboundThrottled) as caught:
                await caller.request("GET", system.url)

        assert caught.value.retry_after == 60
        assert len(system.seen) == 1
        assert outside.outcomes == ["429", "throttled"]

    async def test_a_used_up_allowance_is_respected_before_the_first_429(self, make: Make) -> None:
        caller = make().caller()
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
        async with running(answering(headers=headers)) as system:
            await caller.request("GET", system.url)
            with pytest.raises(OutboundThrottled):
                await caller.request("GET", system.url)

    async def test_another_process_with_the_same_credential_is_held_back_too(self, make: Make) -> None:
        first, second = make().client, make().client
        async with running(answering(status=429, headers={"retry-after": "60"})) as system:
            name = uuid4().hex
            await first.for_credential(TENANT, name, 10, 10).request("GET", system.url)
            with pytest.raises(OutboundThrottled):
                await second.for_credential(TENANT, name, 10, 10).request("GET", system.url)
        assert len(system.seen) == 1

    async def test_a_call_that_waited_for_a_token_respects_a_pause(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waiting, answered = asyncio.Event(), asyncio.Event()

        async def wait_for_a_token(seconds: float) -> None:
            assert seconds == pytest.approx(1 / 0.7)
            waiting.set()
            await answered.wait()

        caller = make().caller(rate=0.7, burst=1)
        async with running(answering(status=429, headers={"retry-after": "60"}, until=waiting)) as system:
            first = asyncio.create_task(caller.request("GET", system.url))
            while not system.seen:  # noqa: ASYNC110 - the other end of a socket
                await asyncio.sleep(0.001)
            monkeypatch.setattr("foundation.outbound.client.asyncio.sleep", wait_for_a_token)
            second = asyncio.create_task(caller.request("GET", system.url))
            assert (await first).status_code == 429
            answered.set()
            with pytest.raises(OutboundThrottled):
                await second
        assert len(system.seen) == 1

    async def test_one_credential_cannot_use_every_connection(self, make: Make) -> None:
        outside = make(replace(SETTINGS, in_flight=2))
        gate, two = asyncio.Event(), asyncio.Event()
        name = uuid4().hex

        def handle(seen: Seen) -> Answer:
            if len(slow.seen) == 2:
                two.set()
            return Answer(until=gate)

        async with running(handle) as slow:
            callers = [outside.client.for_credential(TENANT, name, 1000, 1000) for _ in range(6)]
            tasks = [asyncio.create_task(caller.request("GET", slow.url)) for caller in callers]
            await two.wait()
            await asyncio.sleep(0.05)  # time for a third request, if one is permitted
            assert slow.connections == 2
            gate.set()
            await asyncio.gather(*tasks)
        assert len(slow.seen) == 6

    async def test_a_missing_slot_does_not_count_as_a_failure(self, make: Make) -> None:
        settings = replace(TOUCHY, in_flight=1)
        outside, gate = make(settings), asyncio.Event()
        caller = outside.caller()
        async with running(answering(until=gate)) as slow:
            first = asyncio.create_task(caller.request("GET", slow.url))
            while not slow.seen:  # noqa: ASYNC110 - the other end of a socket
                await asyncio.sleep(0.001)
            # No connection is opened from here on: this is the time-out for a slot.
            outside.client.settings = replace(settings, connect_seconds=0.05)
            others = [caller.request("GET", slow.url) for _ in range(4)]
            for refusal in await asyncio.gather(*others, return_exceptions=True):
                assert isinstance(refusal, OutboundUnavailable)
                assert "Too many calls are under way" in str(refusal)
            gate.set()
            await first
            assert (await caller.request("GET", slow.url)).status_code == 200
        assert outside.outcomes == ["busy"] * 4 + ["2xx"] * 2


TOUCHY = replace(SETTINGS, breaker=BreakerSettings(failures=3, open_seconds=2.0, window_seconds=600))


class TestBreaker:
    async def test_a_failing_system_is_left_alone_then_probed_then_used_again(self, make: Make) -> None:
        status = 500
        clock = MovableClock()
        outside = make(TOUCHY, clock=clock)
        caller = outside.caller()
        async with running(lambda seen: Answer(status=status)) as system:
            for _ in range(3):
                assert (await caller.request("GET", system.url)).status_code == 500
            with pytest.raises(OutboundUnavailable) as caught:
                await caller.request("GET", system.url)
            assert len(system.seen) == 3
            assert caught.value.retry_after is not None

            status = 200
            clock.advance(caught.value.retry_after)
            for _ in range(3):
                assert (await caller.request("GET", system.url)).status_code == 200
        assert outside.outcomes == ["5xx"] * 3 + ["open"] + ["2xx"] * 3

    @pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 409, 422, 501])
    async def test_answers_that_are_not_outages_never_open_it(self, make: Make, status: int) -> None:
        caller = make(TOUCHY).caller()
        async with running(answering(status=status)) as system:
            for _ in range(8):
                await caller.request("GET", system.url)
        assert len(system.seen) == 8

    async def test_refused_addresses_never_open_it(self, make: Make, system: FakeSystem) -> None:
        caller = make(TOUCHY).caller()
        for _ in range(5):
            with pytest.raises(OutboundRefused):
                await caller.request("GET", "https://10.0.0.1/")
        assert (await caller.request("GET", system.url)).status_code == 200

    async def test_the_breaker_of_one_credential_does_not_affect_another(self, make: Make, system: FakeSystem) -> None:
        outside = make(TOUCHY)
        broken = outside.caller()
        async with running(answering(status=503)) as down:
            for _ in range(3):
                await broken.request("GET", down.url)
        assert (await outside.caller().request("GET", system.url)).status_code == 200


async def test_latency_and_outcomes_are_counted_per_credential(
    valkey: "redis.asyncio.Redis", system: FakeSystem
) -> None:
    registry = CollectorRegistry()
    client = OutboundClient(SETTINGS, valkey, utc_now, resolver=FakeNames(), observer=OutboundMetrics(registry))
    caller = client.for_credential(TENANT, "cred-1", 100, 100)
    await caller.request("GET", system.url)
    with pytest.raises(OutboundRefused):
        await caller.request("GET", "https://10.0.0.1/")
    await client.close()

    text = generate_latest(registry).decode()
    labels = f'credential_id="cred-1",outcome="{{}}",tenant_id="{TENANT}"'
    assert f"fairlead_outbound_calls_total{{{labels.format('2xx')}}} 1.0" in text
    assert f"fairlead_outbound_calls_total{{{labels.format('refused')}}} 1.0" in text
    assert f'fairlead_outbound_seconds_count{{credential_id="cred-1",tenant_id="{TENANT}"}} 1.0' in text


async def test_without_valkey_everything_works_in_the_process(system: FakeSystem) -> None:
    client = OutboundClient(SETTINGS, None, utc_now, resolver=FakeNames())
    assert (await client.for_credential(TENANT, "c", 100, 100).request("GET", system.url)).content == b"hello"
    await client.close()
