"""Test of a system with the present or intended settings of a connection: one reading, nothing is written."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.calls import CallRecorder, call_adapter
from connectors.messages import NOTHING_TO_READ, TEST_UNANSWERED
from connectors.ports import ConnectionConfig, Connector, HttpCaller, HttpResponse, PayloadInvalid, SystemUnavailable
from connectors.preview import PreviewValue, preview_channel, preview_page
from connectors.runtime import ConnectorRuntime
from foundation.database.engine import scope_of
from foundation.errors import DomainError, TooManyRequests
from foundation.i18n.messages import MessageText, StoredMessage, reason_of
from foundation.marks import N_, Phrase
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable

LONGEST_SECONDS: Final = 12.0
_TOUCH_SECONDS: Final = 2.0
_SAMPLE: Final = 3
_ERROR: Final = 400
_ELSEWHERE: Final = frozenset({404, 405, 410})
_SIGN_IN: Final = frozenset({401, 403})
T = TypeVar("T")


class ProbeOutcome(StrEnum):
    PASSED = "passed"
    ADDRESS_REFUSED = "address_refused"
    UNREACHABLE = "unreachable"
    WRONG_ADDRESS = "wrong_address"
    SIGN_IN_REFUSED = "sign_in_refused"
    FAILED = "failed"


LABELS: Final[Mapping[ProbeOutcome, str]] = {
    ProbeOutcome.PASSED: N_("The test passed"),
    ProbeOutcome.ADDRESS_REFUSED: N_("This address may not be called"),
    ProbeOutcome.UNREACHABLE: N_("The system cannot be reached"),
    ProbeOutcome.WRONG_ADDRESS: N_("Nothing of this kind answers at this address"),
    ProbeOutcome.SIGN_IN_REFUSED: N_("The system does not accept these credentials"),
    ProbeOutcome.FAILED: N_("The system answered, but not as expected"),
}


class ProbeResult(msgspec.Struct, frozen=True):
    """Result of a test. `reachable`: the system responded. `signed_in`: it accepted the credentials; None if the test
    needs none, or ended earlier. `records` is the number on the first page, or the system's total; `more`: there are
    further records. `sample`: keys of the first records; `preview`: values of some records, if requested. `detail`: the
    text of the system or its connector; `problem`: the same as a message.
    """

    outcome: ProbeOutcome
    reachable: bool
    signed_in: bool | None = None
    records: int | None = None
    more: bool = False
    sample: tuple[str, ...] = ()
    detail: str = ""
    problem: StoredMessage | None = None
    duration_ms: int = 0
    preview: tuple[PreviewValue, ...] = ()

    @property
    def passed(self) -> bool:
        return self.outcome is ProbeOutcome.PASSED


class ConnectionTestFailed(DomainError):
    """Settings to be saved did not pass their test; nothing was saved."""

    status = 422
    code = "connection-test-failed"
    title = N_("The test of the connection failed")

    def __init__(self, result: ProbeResult) -> None:
        params = {"outcome": Phrase(LABELS[result.outcome]), "found": result.detail}
        detail = N_("{outcome}: {found}") if result.detail else LABELS[result.outcome]
        super().__init__(detail, params=params, outcome=str(result.outcome), found=result.detail)
        self.result = result


def failure_of(result: ProbeResult) -> MessageText:
    """The reason why a test did not pass."""
    if result.problem is None:
        return TEST_UNANSWERED.write()
    reason = MessageText(result.detail)
    reason.message, reason.source = result.problem, result.detail
    return reason


class _Found(msgspec.Struct):
    records: int
    more: bool
    keys: Sequence[str] = ()
    values: Sequence[PreviewValue] = ()


class _SigningRecorder(CallRecorder):
    """Also records whether a request with credentials was answered."""

    signed_in = False

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        response = await super().request(method, url, headers=headers, content=content)
        self.signed_in |= "authorization" in (headers or {}) and response.status_code < _ERROR
        return response


async def probe_system(  # noqa: PLR0913 - keyword-only time and preview
    session: AsyncSession,
    runtime: ConnectorRuntime,
    connector: Connector,
    config: ConnectionConfig,
    *,
    now: datetime,
    preview: bool = False,
) -> ProbeResult:
    """Test `config`, which was checked against the manifest. `preview`: also read values of some records.

    Raises:
        TooManyRequests: other tests are under way.
    """
    if runtime.probes.locked():
        raise TooManyRequests(N_("Other tests are under way. Try again in a few seconds."))
    async with runtime.probes:
        recorder = _SigningRecorder(_caller(runtime, scope_of(session).tenant_id, connector, config))
        return await _awake(session, _try(recorder, connector, config, now, preview=preview))


def _caller(runtime: ConnectorRuntime, tenant_id: UUID, connector: Connector, config: ConnectionConfig) -> HttpCaller:
    """A client with limits of its own: failed tests of wrong settings do not delay those of the right ones."""
    digest = hashlib.sha256(msgspec.json.encode([config.base_url, config.settings, config.secrets], order="sorted"))
    manifest = connector.manifest
    return runtime.caller(tenant_id, f"test:{digest.hexdigest()[:32]}", manifest.requests_per_second, manifest.burst)


async def _try(
    recorder: _SigningRecorder, connector: Connector, config: ConnectionConfig, now: datetime, *, preview: bool
) -> ProbeResult:  # fmt: skip
    found, outcome = None, ProbeOutcome.PASSED
    reason: MessageText | None = None
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            found = await call_adapter(_read_sample(recorder, connector, config, now))
    except OutboundRefused as refused:
        outcome, reason = ProbeOutcome.ADDRESS_REFUSED, reason_of(refused)
    except OutboundUnavailable as problem:
        outcome, reason = ProbeOutcome.UNREACHABLE, reason_of(problem)
    except TimeoutError:
        outcome = ProbeOutcome.UNREACHABLE
    except SystemUnavailable as problem:
        outcome, reason = _outcome_of(problem, recorder.facts.status_code), problem.reason
    except PayloadInvalid as problem:
        outcome, reason = ProbeOutcome.FAILED, problem.reason
    facts = recorder.facts
    result = ProbeResult(
        outcome,
        reachable=facts.status_code is not None,
        signed_in=False if outcome is ProbeOutcome.SIGN_IN_REFUSED else recorder.signed_in or None,
        records=None if found is None else found.records,
        more=found is not None and found.more,
        sample=() if found is None else tuple(found.keys[:_SAMPLE]),
        detail="" if reason is None else str(reason),
        problem=None if reason is None else reason.message,
        duration_ms=facts.duration_ms,
    )
    if found is None or not preview:
        return result
    values = found.values or await preview_channel(recorder, connector, config, found.keys)
    return msgspec.structs.replace(result, preview=tuple(values))


async def _read_sample(http: HttpCaller, connector: Connector, config: ConnectionConfig, now: datetime) -> _Found:
    if connector.catalogue is not None:
        keys = await connector.catalogue.list_keys(http, config, "")
        number = len(keys.records) if keys.total is None else keys.total
        return _Found(number, keys.more and keys.total is None, [key for key in keys.keys if key])
    if connector.poll is None:
        raise PayloadInvalid(NOTHING_TO_READ.write())
    page = await connector.poll.poll(http, config, "", now)
    return _Found(len(page.payloads), page.more, values=preview_page(connector.source, page))


def _outcome_of(problem: SystemUnavailable, status: int | None) -> ProbeOutcome:
    if problem.is_sign_in or status in _SIGN_IN:
        return ProbeOutcome.SIGN_IN_REFUSED
    if status in _ELSEWHERE or (status is not None and 300 <= status < _ERROR):
        return ProbeOutcome.WRONG_ADDRESS
    return ProbeOutcome.FAILED


async def _awake(session: AsyncSession, call: Awaitable[T]) -> T:
    """Await `call`. The server ends transactions that are idle for some seconds, and this one continues after
    the call.
    """
    task = asyncio.ensure_future(call)
    try:
        while not (await asyncio.wait({task}, timeout=_TOUCH_SECONDS))[0]:
            await session.execute(text("SELECT 1"))
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
