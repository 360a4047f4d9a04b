"""Tryton behind the port: snapshots of products that changed since a date.

Tryton gives no change log, so each poll reads the present state of what was touched. A later reading is newer whatever
the dates say, also when a long transaction commits late with an early date: the version of an observation is the time
it was read. The dates say when the SLO clock starts.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Any, Final, TypeVar

import msgspec

from canonical.elements import COST, PRICE, STOCK, Observation, Value
from canonical.money import InexactAmount, Money, UnknownCurrency
from connectors.port import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage, Unreadable
from connectors.tryton.messages import (
    CHANGE_FIELDS,
    PRODUCT_FIELDS,
    Move,
    Number,
    Product,
    Snapshot,
    snapshot_bytes,
    tryton_moment,
)
from connectors.tryton.session import Session, SignedOut, sign_in

Result = TypeVar("Result")

_PAGE: Final = 200  # products
_MOVES: Final = 2000
_OVERLAP_SECONDS: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_FLOATS: Final = 2**53
"""Tryton's quantities are floats; beyond this they skip whole numbers."""
_EVERY_CODED: Final = [["code", "!=", None], ["code", "!=", ""]]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """`since`: everything up to it was read. In the middle of a window: continue after product `after`; `upcoming` is
    the newest date met so far and becomes the next `since`.
    """

    since: datetime
    after: int = 0
    upcoming: datetime = _EPOCH


class _Id(msgspec.Struct, frozen=True):
    id: int


class _Found(msgspec.Struct, frozen=True):
    ids: list[int]
    moves: dict[int, msgspec.Raw]  # the newest per product
    end: int | None  # the page stops at this product; None: it was the last


class Tryton:
    """Signs in once per connection and process; again when Tryton has forgotten the session."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._snapshot = msgspec.json.Decoder(Snapshot)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            snapshot = self._snapshot.decode(body)
            return _observations(snapshot)
        except (msgspec.DecodeError, ValueError, ArithmeticError) as problem:
            raise PayloadInvalid(f"Tryton's product no longer has the agreed form: {problem}.") from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        async def act(session: Session) -> PollPage:
            await session.refresh(http)
            return await _poll(http, session, place, now)

        try:
            place = msgspec.json.decode(cursor, type=Cursor) if cursor else Cursor(_EPOCH)
        except msgspec.DecodeError as problem:
            raise PayloadInvalid("The stored cursor is not one of Tryton's. Clear it to read everything.") from problem
        return await self._signed_in(http, config, act)

    async def _signed_in(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[Session], Awaitable[Result]]
    ) -> Result:
        session = self._sessions.get(config.connection_id)
        if session is not None and session.config == config:
            try:
                return await act(session)
            except SignedOut:
                self._sessions.pop(config.connection_id, None)
        session = self._sessions[config.connection_id] = await sign_in(http, config)
        return await act(session)


async def _poll(http: HttpCaller, session: Session, place: Cursor, now: datetime) -> PollPage:
    upcoming = place.upcoming
    if not place.after:
        # Read before the products, so that a move finished in between is met again next time.
        upcoming = max(upcoming, place.since, await _newest_move_date(http, session))
    found = await _find_changed(http, session, place)
    raws: list[msgspec.Raw] = []
    if found.ids:
        raws = await session.call(http, list[msgspec.Raw], "model.product.product.read", found.ids, PRODUCT_FIELDS)
    payloads = []
    for product_id, raw in sorted((msgspec.json.decode(raw, type=_Id).id, raw) for raw in raws):
        move = found.moves.get(product_id)
        latest = _latest_date(raw, move)
        upcoming = max(upcoming, latest)
        external_id = f"product/{product_id}/{latest:%Y%m%dT%H%M%S.%f}/{_digest(raw, move)}"
        payloads.append((external_id, snapshot_bytes(session.currency, now, raw, move)))
    following = Cursor(upcoming) if found.end is None else Cursor(place.since, found.end, upcoming)
    return PollPage(payloads, msgspec.json.encode(following).decode(), more=found.end is not None)


async def _find_changed(http: HttpCaller, session: Session, place: Cursor) -> _Found:
    domain: list[Any] = [["id", ">", place.after], *_EVERY_CODED]
    moves: dict[int, msgspec.Raw] = {}
    ends = []
    if place.since != _EPOCH:  # the first time every product is read; its moves would only repeat that
        overlap = timedelta(seconds=int(session.config.settings.get("overlap_seconds") or _OVERLAP_SECONDS))
        since = tryton_moment(max(place.since - overlap, _EPOCH))
        rows = await _moves_since(http, session, since, place.after)
        moves = dict(rows)
        if len(rows) == _MOVES:
            ends.append(rows[-1][0])
        domain.append(["OR", *[[name, ">=", since] for name in CHANGE_FIELDS], ["id", "in", list(moves)]])
    order = [["id", "ASC"]]
    ids = await session.call(http, list[int], "model.product.product.search", domain, 0, _PAGE + 1, order)
    if len(ids) > _PAGE:
        ends.append(ids[_PAGE - 1])
    end = min(ends) if ends else None
    return _Found([each for each in ids if end is None or each <= end], moves, end)


async def _moves_since(
    http: HttpCaller, session: Session, since: dict[str, Any], after: int
) -> list[tuple[int, msgspec.Raw]]:
    """Finished moves by product, oldest first."""
    domain = [["write_date", ">=", since], ["state", "=", "done"], ["product", ">", after]]
    order = [["product", "ASC"], ["write_date", "ASC"]]
    rows = await _search_moves(http, session, domain, _MOVES, order)
    return [(msgspec.json.decode(row, type=Move).product, row) for row in rows]


async def _newest_move_date(http: HttpCaller, session: Session) -> datetime:
    rows = await _search_moves(http, session, [["state", "=", "done"]], 1, [["write_date", "DESC"]])
    return msgspec.json.decode(rows[0], type=Move).write_date.aware() if rows else _EPOCH


async def _search_moves(
    http: HttpCaller, session: Session, domain: list[Any], limit: int, order: list[list[str]]
) -> list[msgspec.Raw]:
    method = "model.stock.move.search_read"
    return await session.call(http, list[msgspec.Raw], method, domain, 0, limit, order, ["product", "write_date"])


def _digest(product: msgspec.Raw, move: msgspec.Raw | None) -> str:
    """Of the content: a transaction that commits late changes it without a newer date. Fields are sorted first,
    because their order differs from one start of Tryton to the next.
    """
    parts = [msgspec.json.decode(raw) for raw in (product, move) if raw is not None]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]


def _latest_date(raw: msgspec.Raw, move: msgspec.Raw | None) -> datetime:
    """The epoch when the product's form has changed: it is handed on all the same, and translation names the drift."""
    try:
        product = msgspec.json.decode(raw, type=Product)
        moved = msgspec.json.decode(move, type=Move).write_date.aware() if move else _EPOCH
        return max(product.price_changed_at(), product.cost_changed_at(), moved)
    except (msgspec.DecodeError, ValueError):
        return _EPOCH


def _observations(snapshot: Snapshot) -> list[Observation]:
    """Raises PayloadInvalid with those that can be read when some cannot."""
    product, version = snapshot.product, _microseconds(snapshot.read_at)
    wanted: list[tuple[str, Callable[[], Value | None], datetime]] = [
        (PRICE, lambda: _money(product.list_price_used, snapshot.currency), product.price_changed_at()),
        (COST, lambda: _money(product.cost_price, snapshot.currency), product.cost_changed_at()),
    ]
    if product.type == "goods" and not product.consumable:
        moved_at = snapshot.move.write_date.aware() if snapshot.move else snapshot.read_at
        wanted.append((STOCK, lambda: _on_hand(product.quantity), moved_at))
    found, unreadable = [], []
    for element, convert, committed_at in wanted:
        try:
            value = convert()
        except (msgspec.DecodeError, InexactAmount, UnknownCurrency) as problem:
            unreadable.append(Unreadable(product.code, element, str(problem)))
            continue
        if value is not None:
            found.append(Observation(product.code, element, value, version, committed_at, str(product.id)))
    if unreadable:
        reasons = " ".join(f"{each.element}: {each.reason}" for each in unreadable)
        raise PayloadInvalid(
            f"Tryton's product {product.code} cannot be taken over as it is. {reasons}",
            observations=found,
            unreadable=unreadable,
        )
    return found


def _money(raw: msgspec.Raw, currency: str) -> Value | None:
    number = msgspec.json.decode(raw, type=Number | None)
    if number is None:
        return None
    money = Money.from_decimal(number.value(), currency)
    return Value(money.minor, money.currency)


def _on_hand(raw: msgspec.Raw) -> Value | None:
    """Part of a piece cannot be sold: 2.5 on hand are 2. Sums of floats are rounded first: 2.9999999999 are 3."""
    number = msgspec.json.decode(raw, type=Decimal | None)
    if number is None:
        return None
    text = bytes(raw).decode()
    if text.startswith('"') or not number.is_finite() or abs(number) > _EXACT_FLOATS:
        raise InexactAmount(f"{text[:60]} is not a number of pieces.")
    return Value(floor(round(number, 6)))


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
