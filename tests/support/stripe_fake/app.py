"""The ASGI application: routing, idempotency keys, faults, expansion, and a check of each answer."""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from tests.support.stripe_fake import resources
from tests.support.stripe_fake.acts import Acts
from tests.support.stripe_fake.description import Operation, operations
from tests.support.stripe_fake.errors import Refused, missing
from tests.support.stripe_fake.expansion import expand, present
from tests.support.stripe_fake.faults import Fault, Faults
from tests.support.stripe_fake.forms import decode_form
from tests.support.stripe_fake.generic import answer_generic
from tests.support.stripe_fake.store import HANDLERS, PLATFORM, AccountStore, Call, World, copy
from tests.support.stripe_fake.validation import check_answer, check_request
from tests.support.stripe_fake.webhooks import Deliverer, write_time

Headers = dict[str, str]
_BROKEN = {"error": {"type": "api_error", "message": "An unknown error occurred"}}
_BUSY = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}}


class StripeFake:
    """One installation of Stripe. `requests` lists (method, path, account, idempotency key) as they arrived."""

    def __init__(self, *, clock: Callable[[], float] = time.time, faults: Faults | None = None) -> None:
        assert resources.MODULES
        self.world = World(clock)
        self.acts = Acts(self.world)
        self.faults = faults or Faults()
        self.requests: list[tuple[str, str, str, str]] = []
        self._refusal: Refused | None = None

    def refuse_next(self, status: int, code: str, message: str) -> None:
        """Refuse the next request that changes something, without effect."""
        self._refusal = Refused(status, code, message)

    def deliverer(self, **options: Any) -> Deliverer:
        return Deliverer(self.world, **options)

    def answer(self, method: str, path: str, form: str, headers: Headers) -> tuple[int, bytes] | None:
        """Status and body; None if the answer is lost."""
        key = headers.get("idempotency-key", "") if method != "GET" else ""
        self.requests.append((method, path, headers.get("stripe-account", ""), key))
        fault = self.faults.next(method)
        if fault is Fault.THROTTLED:
            return 429, json.dumps(_BUSY).encode()
        try:
            account = self._account(headers)
            mark = hashlib.sha256(f"{method} {path} {sorted(parse_qsl(form))}".encode()).hexdigest()
            if key and key in account.keys:
                return _stored(account, key, mark)
            if self._refusal is not None and method != "GET":
                refusal, self._refusal = self._refusal, None
                if refusal.status in {401, 403, 409}:  # not stored under the key
                    raise refusal
                result = refusal.status, json.dumps(refusal.body).encode()
            elif fault is Fault.BROKEN:
                result = 500, json.dumps(_BROKEN).encode()
            else:
                result = self._act(method, path, form, headers, account)
            if fault is Fault.BROKEN_AFTER:
                result = 500, json.dumps(_BROKEN).encode()
        except Refused as refused:
            return refused.status, json.dumps(refused.body).encode()
        if key:
            account.keys[key] = (mark, *result)
        return None if fault is Fault.LOST else result

    def _account(self, headers: Headers) -> AccountStore:
        if not headers.get("authorization", "").startswith(("Bearer sk_test_", "Bearer rk_test_")):
            raise Refused(401, "api_key_invalid", "Invalid API Key provided")
        name = headers.get("stripe-account") or headers.get("stripe-context") or PLATFORM
        if name not in self.world.accounts:
            message = f"The provided key does not have access to account '{name}' (or that account does not exist)."
            raise Refused(403, "account_invalid", message)
        return self.world.accounts[name]

    def _act(self, method: str, path: str, form: str, headers: Headers, account: AccountStore) -> tuple[int, bytes]:
        """Run the operation. A refusal by the object's state is stored under its key, like other answers."""
        if path.startswith("/v2/core/events/"):
            return 200, _thin_event(account, path.rsplit("/", 1)[1])
        operation, ids = _find(method, path)
        nested = decode_form(parse_qsl(form, keep_blank_values=True))
        wanted = nested.pop("expand", {})
        params = check_request(operation, nested)
        request = {"id": f"req_{self.world.number()}", "idempotency_key": headers.get("idempotency-key")}
        call = Call(self.world, account, ids, params, request)
        try:
            made = HANDLERS[operation.id](call) if operation.id in HANDLERS else answer_generic(operation, call, path)
        except Refused as refused:
            if refused.status >= 500 or refused.status == 404:
                raise
            return refused.status, json.dumps(refused.body).encode()
        answer = expand(account, present(account, copy(made)), list(wanted.values()))
        check_answer(operation, answer)
        return 200, json.dumps(answer).encode()

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            return
        raw, more = b"", True
        while more:
            message = await receive()
            raw += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        form = (raw if scope["method"] == "POST" else scope["query_string"]).decode()
        found = self.answer(scope["method"], scope["path"], form, headers)
        # A lost answer is shorter than its Content-Length: the server closes the connection.
        status, body = found or (200, b"{")
        length = len(body) if found else 1000
        named = [(b"content-type", b"application/json"), (b"content-length", str(length).encode())]
        named += [(b"request-id", f"req_{self.world.number()}".encode())]
        if status == 429:
            named.append((b"retry-after", b"0"))
        await send({"type": "http.response.start", "status": status, "headers": named})
        await send({"type": "http.response.body", "body": body})


def _find(method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
    for operation in operations():
        found = operation.path.fullmatch(path) if operation.method == method else None
        if found:
            return operation, found.groups()
    raise Refused(404, "url_invalid", f"Unrecognized request URL ({method}: {path})")


def _stored(account: AccountStore, key: str, mark: str) -> tuple[int, bytes]:
    known, status, body = account.keys[key]
    if known != mark:
        message = (
            f"Keys for idempotent requests can only be used with the same parameters they were first used with ({key})."
        )
        raise Refused(400, "idempotency_key_in_use", message, kind="idempotency_error")
    return status, body


def _thin_event(account: AccountStore, id_: str) -> bytes:
    found = account.objects.get(id_)
    if found is None or not found.get("_thin"):
        raise missing("v2.core.event", id_)
    return json.dumps({**copy(found), "created": write_time(found["created"])}).encode()
