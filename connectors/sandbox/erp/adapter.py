"""The sandbox ERP behind the port: webhooks and pages carry the same changes."""

from datetime import datetime
from urllib.parse import urlencode

import msgspec

from canonical.elements import STOCK, Observation, Value
from connectors.port import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage
from connectors.requests import endpoint
from connectors.responses import check_readable
from connectors.sandbox.erp.messages import Change, ChangeBatch, ChangePage

_PAGE_SIZE = 500


class SandboxErp:
    """`translate` and `poll`. External ids are the change's own version, so a change that arrives both ways is one."""

    def __init__(self) -> None:
        self._change = msgspec.json.Decoder(Change)
        self._batch = msgspec.json.Decoder(ChangeBatch)
        self._page = msgspec.json.Decoder(ChangePage)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            return [_observation(self._change.decode(body))]
        except msgspec.ValidationError as problem:
            if b'"changes"' not in body:
                raise _drift(problem) from problem
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(f"The sandbox ERP's payload is not JSON: {problem}.") from problem
        try:
            return [_observation(change) for change in self._batch.decode(body).changes]
        except msgspec.ValidationError as problem:
            raise _drift(problem) from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:  # noqa: ARG002
        query = urlencode({"cursor": cursor or "0", "limit": _PAGE_SIZE})
        response = await http.request("GET", endpoint(config, f"/changes?{query}"))
        check_readable(response, "The sandbox ERP")
        try:
            page = self._page.decode(response.content)
        except msgspec.DecodeError as problem:
            raise _drift(problem) from problem
        return PollPage([(_external_id(raw), bytes(raw)) for raw in page.changes], page.cursor, page.more)


class _Versioned(msgspec.Struct):
    version: int


def _external_id(raw: msgspec.Raw) -> str:
    try:
        return change_id(msgspec.json.decode(raw, type=_Versioned).version)
    except msgspec.ValidationError as problem:
        raise _drift(problem) from problem


def change_id(version: int) -> str:
    return f"chg_{version}"


def _observation(change: Change) -> Observation:
    if (change.element == STOCK) is bool(change.currency):
        wanted = "no currency" if change.element == STOCK else "a currency"
        raise PayloadInvalid(f"{change.element} of {change.sku} must come with {wanted}; it came with the opposite.")
    return Observation(
        change.sku, change.element, Value(change.amount, change.currency), change.version, change.committed_at
    )


def _drift(problem: msgspec.DecodeError) -> PayloadInvalid:
    return PayloadInvalid(f"The sandbox ERP's payload no longer has the agreed form: {problem}.")
