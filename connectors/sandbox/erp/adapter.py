"""Adapter of the sandbox ERP: webhooks and polled pages contain the same changes."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from canonical.elements import element_type
from canonical.fields import InvalidMessage
from canonical.keys import PRODUCT
from canonical.messages import Message, MessageLine, Observation, Party, ShipmentUpdated
from canonical.money import UnknownCurrency, number_text
from canonical.values import Value, minor_money, quantity
from connectors import messages
from connectors.http.errors import check_readable
from connectors.http.requests import endpoint
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage, Unreadable
from connectors.sandbox import reasons
from connectors.sandbox.erp.messages import SHIPMENT, ChangeBatch, ErpChange, ErpChangePage, ErpShipment
from foundation.decoding import ForeignDecoder, RepeatedKey, decode_json
from foundation.i18n.messages import MessageText, text_of

_PAGE_SIZE = 500
_ERP: Final = reasons.ERP.write()
_NAMES_SHIPMENT = f'"{SHIPMENT}"'.encode()
"""Part of every shipment. A record without this text is decoded once, as its type need not be read first."""


class SandboxErp:
    """`translate` and `poll`. An external id is the change's own version, so a change received on both paths counts
    once.
    """

    def __init__(self) -> None:
        self._change = ForeignDecoder(ErpChange)
        self._shipment = ForeignDecoder(ErpShipment)
        self._batch = ForeignDecoder(ChangeBatch, nested=False)  # each change is decoded separately
        self._page = ForeignDecoder(ErpChangePage, nested=False)

    def translate(self, body: bytes) -> list[Message]:
        try:
            changes = self._batch.decode(body).changes if b'"changes"' in body else None
        except RepeatedKey as problem:
            raise _ambiguous(problem) from problem
        except msgspec.DecodeError:
            changes = None
        if changes is None:
            return [self._read(body)]
        found: list[Message] = []
        unreadable: list[Unreadable] = []
        reported: list[tuple[int, MessageText]] = []
        for index, raw in enumerate(changes):
            try:
                found.append(self._read(bytes(raw)))
            except PayloadInvalid as problem:
                reported.append((index, problem.reason))
                unreadable += problem.unreadable
        if reported:
            index, reason = reported[0]
            detail = reasons.SOME_CHANGES.write(count=len(reported), number=len(changes), reason=reason, index=index)
            named = unreadable if len(unreadable) == len(reported) else ()  # otherwise one reason would not be reported
            raise PayloadInvalid(detail, messages=found, unreadable=named)
        return found

    def _read(self, raw: bytes) -> Message:
        try:
            if _NAMES_SHIPMENT in raw and decode_json(raw, type=_Typed).type == SHIPMENT:
                return _shipment(self._shipment.decode(raw))
            return _observation(self._change.decode(raw))
        except RepeatedKey as problem:  # a repeated key leaves open which record is meant, so none is named
            raise _ambiguous(problem) from problem
        except (PayloadInvalid, UnknownCurrency, InvalidMessage) as problem:
            reason = problem.reason if isinstance(problem, PayloadInvalid) else _unusable(problem)
            raise PayloadInvalid(reason, unreadable=_named(raw, reason)) from problem
        except msgspec.ValidationError as problem:
            reason = messages.PAYLOAD_CHANGED.write(system=_ERP, error=text_of(problem))
            raise PayloadInvalid(reason, unreadable=_named(raw, reason)) from problem
        except msgspec.DecodeError as problem:
            raise PayloadInvalid(messages.PAYLOAD_NOT_JSON.write(system=_ERP, error=text_of(problem))) from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:  # noqa: ARG002
        query = urlencode({"cursor": cursor or "0", "limit": _PAGE_SIZE})
        response = await http.request("GET", endpoint(config, f"/changes?{query}"))
        check_readable(response, _ERP)
        try:
            page = self._page.decode(response.content)
        except msgspec.DecodeError as problem:
            raise _drift(problem) from problem
        return PollPage(_identified(page.changes), page.cursor, page.more)


class _Versioned(msgspec.Struct):
    version: int


def _identified(changes: Sequence[msgspec.Raw]) -> list[tuple[str, bytes]]:
    """A change without a version is passed on under its content's hash: translation reports the format drift."""
    found: list[tuple[str, bytes]] = []
    drifted: list[msgspec.DecodeError] = []
    for raw in changes:
        try:
            found.append((change_id(decode_json(raw, type=_Versioned).version), bytes(raw)))
        except msgspec.DecodeError as problem:
            drifted.append(problem)
            found.append((f"chg_{hashlib.sha256(raw).hexdigest()[:32]}", bytes(raw)))
    if drifted and len(drifted) == len(found):
        raise _drift(drifted[0]) from drifted[0]
    return found


def change_id(version: int) -> str:
    return f"chg_{version}"


def _observation(change: ErpChange) -> Observation:
    return Observation(
        change.sku, change.element, _value(change), change.version, change.committed_at, change.record_id, change.title,
        dimension=change.dimension, record_type=change.record_type,
    )  # fmt: skip


class _Typed(msgspec.Struct):
    type: str = ""


def _shipment(shipment: ErpShipment) -> ShipmentUpdated:
    """Raises InvalidMessage."""
    return ShipmentUpdated(
        number=shipment.number,
        version=shipment.version,
        changed_at=shipment.committed_at,
        parties=(Party("carrier", shipment.carrier),) if shipment.carrier else (),
        status=shipment.status,
        lines=tuple(
            MessageLine(line=each.line, sku=each.sku, quantity=quantity(each.quantity), order=shipment.order)
            for each in shipment.lines
        ),
        tracking=shipment.tracking,
    )


def _value(change: ErpChange) -> Value:
    if change.value is not None:
        return change.value
    if change.amount is None:
        raise PayloadInvalid(
            messages.PAYLOAD_CHANGED.write(system=_ERP, error="Object missing required field `amount`")
        )
    known = element_type(change.element)
    if known is None or known.value_type not in ("money", "quantity") or change.dimension:
        raise PayloadInvalid(reasons.MUST_BE_TYPED.write(element=change.element, record_key=change.sku))
    is_counted = known.value_type == "quantity"
    if is_counted is bool(change.currency):
        wrong = reasons.CURRENCY_UNWANTED if is_counted else reasons.CURRENCY_MISSING
        raise PayloadInvalid(wrong.write(element=change.element, record_key=change.sku))
    return quantity(change.amount) if is_counted else minor_money(change.amount, change.currency)


class _Subject(msgspec.Struct):
    sku: str = ""
    element: str = ""
    amount: msgspec.Raw = msgspec.Raw(b"")
    currency: msgspec.Raw = msgspec.Raw(b"")
    dimension: str = ""
    record_type: str = PRODUCT


def _named(raw: bytes, reason: MessageText) -> list[Unreadable]:
    """Record and value of a change, as far as readable."""
    try:
        subject = decode_json(raw, type=_Subject)
    except msgspec.DecodeError:
        return []
    if not subject.sku or not subject.element:
        return []
    quoted = " ".join(number_text(bytes(part))[:60] for part in (subject.amount, subject.currency) if bytes(part))
    reported = messages.SOURCE_REPORTS.write(value=quoted, reason=reason) if quoted else reason
    return [Unreadable(subject.sku, subject.element, reported, subject.dimension, subject.record_type)]


def _ambiguous(problem: RepeatedKey) -> PayloadInvalid:
    return PayloadInvalid(messages.PAYLOAD_AMBIGUOUS.write(system=_ERP, error=text_of(problem)))


def _unusable(problem: Exception) -> MessageText:
    return messages.VALUE_UNUSABLE.write(system=_ERP, error=text_of(problem))


def _drift(problem: msgspec.DecodeError) -> PayloadInvalid:
    return PayloadInvalid(messages.PAYLOAD_CHANGED.write(system=_ERP, error=text_of(problem)))
