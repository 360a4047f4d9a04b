"""HTTP client, the only path out. One `OutboundClient` per process; adapters get a `BoundCaller` per credential.

Built on httpcore, below the httpx client: its cookie jar, proxies from the environment, redirects and unbounded
decompression would each be a hole in a process that serves many tenants.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID
from weakref import WeakValueDictionary

import httpcore2
import redis.asyncio

from foundation.clock import Clock
from foundation.i18n.messages import MessageText
from foundation.outbound import messages
from foundation.outbound.breaker import CallResult
from foundation.outbound.budget import AttemptKind
from foundation.outbound.errors import (
    AnswerTooLarge,
    OutboundHeld,
    OutboundRefused,
    OutboundThrottled,
    OutboundUnavailable,
    RetriesSpent,
)
from foundation.outbound.gate import Admission, Credential, Gate, RateLimit
from foundation.outbound.guard import Guard, GuardedBackend, OutboundTarget, Resolver, check_url, resolve
from foundation.outbound.limits import requested_pause
from foundation.outbound.metrics import OutboundObserver
from foundation.outbound.response import (
    ACCEPTED_ENCODINGS,
    OutboundResponse,
    TooLarge,
    UnreadableResponse,
    read_response,
)
from foundation.outbound.settings import OutboundSettings
from foundation.telemetry.correlation import current_correlation
from foundation.telemetry.tracing import NO_TRACING, Tracing

_KEEP_ALIVE_SECONDS = 30.0
_RESOLVING_SECONDS = 2.0  # shorter than a transaction may idle
# These headers decide the destination and the length of a request, so only this module sets them.
_OWN_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "expect"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class _Busy(Exception):
    """No slot became free in time; nothing was sent."""


class _Failure(NamedTuple):
    label: str
    detail: MessageText
    outcome: CallResult = CallResult.FAILED


_FAILURES: tuple[tuple[tuple[type[Exception], ...], _Failure], ...] = (
    ((_Busy, httpcore2.PoolTimeout), _Failure("busy", messages.BUSY.write(), CallResult.UNKNOWN)),
    ((TimeoutError, httpcore2.TimeoutException), _Failure("timeout", messages.TIMED_OUT.write())),
    ((TooLarge,), _Failure("oversized", messages.OVERSIZED.write())),
    (
        (UnreadableResponse,),
        _Failure("unreadable", messages.UNREADABLE.write()),
    ),
    (
        (httpcore2.NetworkError, httpcore2.ProtocolError, OSError),
        _Failure("unreachable", messages.UNREACHABLE.write()),
    ),
)
_NOT_SENT = (_Busy, httpcore2.PoolTimeout, httpcore2.ConnectError, httpcore2.ConnectTimeout)
_MAPPED = tuple(kind for kinds, _ in _FAILURES for kind in kinds)


class OutboundClient:
    """HTTP client of a process. With `valkey=None` limits apply within this process only."""

    def __init__(  # noqa: PLR0913 - injected once, by the composition root
        self,
        settings: OutboundSettings,
        valkey: "redis.asyncio.Redis | None",
        clock: Clock,
        *,
        resolver: Resolver = resolve,
        observer: OutboundObserver | None = None,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.observer = observer
        self.tracing = tracing
        self.gate = Gate(settings, valkey, clock)
        self._guard = Guard(settings, resolver)
        self._pools = {secure: _pool(settings, self._guard, secure=secure) for secure in (True, False)}
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._timeouts = {
            "connect": settings.connect_seconds,
            "read": settings.read_seconds,
            "write": settings.read_seconds,
            "pool": settings.connect_seconds,
        }

    def for_credential(self, tenant_id: UUID, credential_id: str, rate: float, burst: int) -> "BoundCaller":
        """A caller for a credential. `rate` in requests per second, `burst` at once; workers with the same credential
        share the allowance.
        """
        credential = Credential(tenant_id, credential_id, RateLimit(rate, burst))
        slots = self._slots.get(credential.key)
        if slots is None:
            slots = self._slots[credential.key] = asyncio.Semaphore(self.settings.in_flight)
        return BoundCaller(self, credential, slots)

    async def check_address(self, url: str) -> None:
        """Check an address before it is stored. A name that does not resolve now passes, because each call checks
        again.

        Raises:
            OutboundRefused: the address may never be called.
        """
        target = check_url(url)
        try:
            async with asyncio.timeout(_RESOLVING_SECONDS):
                await self._guard.addresses(target.host, target.port, secure=target.secure)
        except OSError:  # a timeout is one, too
            return

    async def exchange(
        self, method: str, target: OutboundTarget, headers: list[tuple[bytes, bytes]], content: bytes | None
    ) -> OutboundResponse:
        """Send one request to a checked target and read the complete response. Raises httpcore's errors, `TooLarge`,
        `UnreadableResponse`.
        """
        scheme = b"https" if target.secure else b"http"
        url = httpcore2.URL(scheme=scheme, host=target.host.encode(), port=target.port, target=target.path)
        request = httpcore2.Request(
            method, url, headers=headers, content=content or b"", extensions={"timeout": self._timeouts}
        )
        response = await self._pools[target.secure].handle_async_request(request)
        try:
            return await read_response(response, self.settings.max_response_bytes)
        finally:
            await response.aclose()

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


class BoundCaller:
    """HTTP caller under one credential's limits. Implements `connectors.ports.HttpCaller`."""

    def __init__(
        self,
        client: OutboundClient,
        credential: Credential,
        slots: asyncio.Semaphore,
        attempt: AttemptKind = AttemptKind.FIRST,
    ) -> None:
        self._client = client
        self._credential = credential
        self._slots = slots
        self._attempt = attempt

    def again(self) -> "BoundCaller":
        """A caller for retries: its calls spend the credential's retry budget.

        Only the first of these calls can be refused for lack of budget.
        """
        return BoundCaller(self._client, self._credential, self._slots, AttemptKind.AGAIN)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> OutboundResponse:
        """Send a request. Redirects are returned as responses, not followed.

        Raises:
            OutboundRefused: the address or the request is never allowed.
            OutboundHeld: not sent; the rate limit or the retry budget is used up, or the breaker is open.
            OutboundUnavailable: no usable response.
        """
        try:
            target = check_url(url)
            lines = self._header_lines(method, target, headers, content)
            admission = await self._admit()
        except OutboundRefused:
            self._held("refused")
            raise
        except OutboundHeld as error:
            self._held(_held_label(error))
            raise
        started = time.perf_counter()
        try:
            with self._client.tracing.span(
                "outbound", tenant_id=str(self._credential.tenant_id), credential_id=self._credential.id, method=method
            ):
                response = await self._exchange(method, target, lines, content)
        except (OutboundRefused, httpcore2.LocalProtocolError) as error:
            await self._settle(admission, CallResult.UNKNOWN)
            self._held("refused")
            if isinstance(error, OutboundRefused):
                raise
            raise OutboundRefused(messages.MALFORMED.write()) from error
        except _MAPPED as error:
            failure = next(failure for kinds, failure in _FAILURES if isinstance(error, kinds))
            await self._settle(admission, failure.outcome)
            self._called(failure.label, started)
            kind = AnswerTooLarge if isinstance(error, TooLarge) else OutboundUnavailable
            raise kind(failure.detail, sent=not isinstance(error, _NOT_SENT)) from error
        await self._record_response(admission, response)
        self._called(_outcome_label(response.status_code), started)
        return response

    async def _exchange(
        self, method: str, target: OutboundTarget, lines: list[tuple[bytes, bytes]], content: bytes | None
    ) -> OutboundResponse:
        settings = self._client.settings
        if self._slots.locked():
            try:
                async with asyncio.timeout(settings.connect_seconds):
                    await self._slots.acquire()
            except TimeoutError:
                raise _Busy from None
        else:
            await self._slots.acquire()
        try:
            async with asyncio.timeout(settings.total_seconds):
                return await self._client.exchange(method, target, lines, content)
        finally:
            self._slots.release()

    async def _admit(self) -> Admission:
        admission = await self._client.gate.admit(self._credential, self._attempt)
        if self._attempt is not AttemptKind.FIRST:
            self._attempt = AttemptKind.FURTHER
            if self._client.observer is not None:
                self._client.observer.repeated(self._credential.tenant_id, self._credential.id)
        if admission.wait:
            await asyncio.sleep(admission.wait)
            pause = self._client.gate.paused_for(self._credential)
            if pause:
                raise OutboundThrottled(messages.PAUSE_REQUESTED.write(), retry_after=pause)
        return admission

    async def _record_response(self, admission: Admission, response: OutboundResponse) -> None:
        failed = response.status_code >= 500 and response.status_code != 501
        pause = requested_pause(response.status_code, response.headers, self._client.clock())
        if failed or pause or admission.report:
            await self._settle(admission, CallResult.FAILED if failed else CallResult.ANSWERED, pause)

    async def _settle(self, admission: Admission, result: CallResult, pause: float = 0.0) -> None:
        if result is CallResult.UNKNOWN and not admission.report:
            return
        await self._client.gate.settle(self._credential, admission, result, hold=pause)

    def _header_lines(
        self, method: str, target: OutboundTarget, headers: Mapping[str, str] | None, content: bytes | None
    ) -> list[tuple[bytes, bytes]]:
        lines = [
            (b"host", target.host_header),
            (b"user-agent", self._client.settings.user_agent.encode("ascii")),
            (b"accept-encoding", ACCEPTED_ENCODINGS),
        ]
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if own := given.keys() & _OWN_HEADERS:
            raise OutboundRefused(messages.HEADER_FIXED.write(name=min(own)))
        if content is not None or method in _WITH_BODY:
            lines.append((b"content-length", b"%d" % len(content or b"")))
        if correlation := current_correlation():
            given.setdefault("x-correlation-id", correlation)
        try:
            return [line for line in lines if line[0].decode() not in given] + [
                (name.encode("ascii"), value.encode("latin-1")) for name, value in given.items()
            ]
        except UnicodeEncodeError:
            raise OutboundRefused(messages.HEADER_CHARACTERS.write()) from None

    def _called(self, outcome: str, started: float) -> None:
        if self._client.observer is not None:
            self._client.observer.called(
                self._credential.tenant_id, self._credential.id, outcome, time.perf_counter() - started
            )

    def _held(self, reason: str) -> None:
        if self._client.observer is not None:
            self._client.observer.held(self._credential.tenant_id, self._credential.id, reason)


def _held_label(error: OutboundHeld) -> str:
    if isinstance(error, RetriesSpent):
        return "retries_spent"
    return "throttled" if isinstance(error, OutboundThrottled) else "open"


def _outcome_label(status: int) -> str:
    return "429" if status == 429 else f"{status // 100}xx"


def _pool(settings: OutboundSettings, guard: Guard, *, secure: bool) -> httpcore2.AsyncConnectionPool:
    return httpcore2.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else None,
        max_connections=settings.max_connections,
        max_keepalive_connections=settings.max_connections,
        keepalive_expiry=_KEEP_ALIVE_SECONDS,
        network_backend=GuardedBackend(guard, secure=secure),
    )
