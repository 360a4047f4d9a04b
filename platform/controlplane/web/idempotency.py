"""The API's `Idempotency-Key`: an action runs once, however often its request is repeated."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.clock import Clock
from foundation.database.engine import change_scope, scope_of, write_in
from foundation.database.savepoint import savepoint
from foundation.errors import DomainError
from foundation.idempotency.response_store import StoredResponse, find_response, read_key, store_response
from foundation.scope import Scope
from foundation.telemetry.correlation import current_correlation
from foundation.vault.vault import Vault
from foundation.web.api import KEY_HEADER, REPLAYED_HEADER, ActHandler
from foundation.web.boundary import single_header
from foundation.web.problems import PROBLEM_TYPE, problem_body

AnyRequest = Request[Any, Any, Any]
_OF_ONE_SENDING: Final = {"content-length", "date", "set-cookie"}
_MAY_PASS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
"""Statuses that are not stored: a repeated request may succeed."""


class AlreadyAnswered(Exception):
    def __init__(self, answer: StoredResponse) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass
class RequestResult:
    """Outcome of a request. `refusal` is raised after the transaction that stored it."""

    refusal: DomainError | None = None


def key_of(request: AnyRequest) -> str | None:
    """Idempotency key of an API request; None for everything else.

    Raises:
        KeyMalformed.
        MalformedRequest: the header occurs twice.
    """
    if KEY_HEADER not in request.headers or not isinstance(request.route_handler, ActHandler):
        return None
    return read_key(single_header(request.scope, KEY_HEADER.lower().encode()))


@asynccontextmanager
async def idempotent_request(
    session: AsyncSession, vault: Vault, request: AnyRequest, clock: Clock, *, account: Scope
) -> AsyncIterator[RequestResult]:
    """Wrap an admitted request's action. A refused action is rolled back; its refusal is stored like any response. The
    response belongs to `account`, also of a request that reads the fleet or acts in another account.

    Raises:
        AlreadyAnswered: the action ran before.
        KeyInUse, KeyReused: see `find_response`.
    """
    result, key = RequestResult(), key_of(request)
    if key is None:
        yield result
        return
    request_hash = await _hash(request)
    opened = scope_of(session)
    if account != opened:
        await change_scope(session, account)
    known = await find_response(session, vault, key=key, request_hash=request_hash)
    if known is not None:
        raise AlreadyAnswered(known)
    if account != opened:
        await change_scope(session, opened)
    try:
        async with savepoint(session):
            yield result
    except DomainError as refusal:
        if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR or refusal.status in _MAY_PASS:
            raise
        result.refusal = refusal
        body = problem_body(refusal, current_correlation())
        answer = StoredResponse(int(refusal.status), (("content-type", PROBLEM_TYPE),), body)
    else:
        answer = _answer(request.state.answer)
    if account != scope_of(session):
        await write_in(session, account)
    await store_response(session, vault, key=key, request_hash=request_hash, answer=answer, now=clock())


def replay(_: AnyRequest, found: AlreadyAnswered) -> Response[bytes | None]:
    answer, headers = found.answer, dict(found.answer.headers)
    return Response(
        answer.body or None,
        status_code=answer.status,
        media_type=headers.get("content-type"),
        headers=headers | {REPLAYED_HEADER: "true"},
    )


def _answer(sent: ASGIResponse) -> StoredResponse:
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent.encode_headers())
    return StoredResponse(
        sent.status_code, tuple((name, value) for name, value in headers if name not in _OF_ONE_SENDING), sent.body
    )


async def _hash(request: AnyRequest) -> bytes:
    """Hash of the request's identity: method, address and body, byte for byte."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    head = f"{request.method} {request.scope['path']}?{query}\n".encode()
    return hashlib.sha256(head + await request.body()).digest()
