"""Adapter of Tryton: snapshots of products that changed since a date.

Tryton has no change log, so each poll reads the current state of the changed products. A later reading is newer
whatever the dates, also when a long transaction commits late with an early date: the version of an observation is the
time of its reading. The dates determine the start of the SLO clock.

Tryton's dates come from Tryton's clock, so a date alone never becomes the next poll's position: only dates up to the
start of the window count, by our clock and by Tryton's own (its Date header). Products dated later are read again with
every poll until their date has passed.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

import msgspec

from canonical.elements import COST, PRICE, STOCK
from canonical.messages import Observation
from canonical.money import InexactAmount, Money, UnknownCurrency, parse_decimal, to_integer
from canonical.values import Value, minor_money, quantity
from connectors.ports import ConnectionConfig, HttpCaller, PayloadInvalid, PollPage, SystemUnavailable, Unreadable
from connectors.tryton.messages import (
    CHANGE_FIELDS,
    Move,
    Number,
    Product,
    Snapshot,
    snapshot_bytes,
    tryton_moment,
)
from connectors.tryton.refusals import find_refusal, read_products, refused_payload
from connectors.tryton.session import SignedOut, TrytonSession, sign_in
from foundation.decoding import ForeignDecoder, decode_json

Result = TypeVar("Result")

_PAGE: Final = 200  # products
_MOVES: Final = 2000
_OVERLAP_SECONDS: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_FLOATS: Final = 2**53
"""Tryton's quantities are floats; above this limit they skip integers."""
_TICK: Final = timedelta(seconds=1)
"""Date headers have no fraction; without this tolerance, writes of the current second would be ahead."""
_PLAUSIBLE: Final = timedelta(days=366)
"""Maximum offset; a Date header further away is not a clock."""
_EVERY_CODED: Final = [["code", "!=", None], ["code", "!=", ""]]


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Poll position. `since`: everything up to it was read. Within a window: continue after product `after`; `upcoming`
    is the newest date so far that is not after `until`, the start of the window, and becomes the next `since`.
    `currency` is the company's during these readings; empty in cursors from before the field existed. `refused`:
    products that Tryton could not read; no date marks their recovery, so each window requests them.
    """

    since: _Instant
    after: int = 0
    upcoming: _Instant = _EPOCH
    until: _Instant = _EPOCH
    currency: str = ""
    refused: list[int] = []


class _Id(msgspec.Struct, frozen=True):
    id: int


class _Moved(msgspec.Struct, frozen=True):
    product: int


class _Found(msgspec.Struct, frozen=True):
    ids: list[int]
    moves: dict[int, msgspec.Raw]  # the newest per product
    end: int | None  # the page stops at this product; None: it was the last


class Tryton:
    """Signs in once per connection and process; again when Tryton's session has expired."""

    def __init__(self) -> None:
        self._sessions: dict[str, TrytonSession] = {}
        self._snapshot = ForeignDecoder(Snapshot)

    def translate(self, body: bytes) -> list[Observation]:
        try:
            snapshot = self._snapshot.decode(body)
            return _observations(snapshot)
        except (msgspec.DecodeError, ValueError, ArithmeticError) as problem:
            raise find_refusal(body) or PayloadInvalid(
                f"Tryton's product no longer has the agreed form: {problem}."
            ) from problem

    async def poll(self, http: HttpCaller, config: ConnectionConfig, cursor: str, now: datetime) -> PollPage:
        async def act(session: TrytonSession) -> PollPage:
            await session.refresh(http)
            return await _poll(http, session, place, now)

        try:
            place = decode_json(cursor, type=Cursor) if cursor else Cursor(_EPOCH)
        except msgspec.DecodeError as problem:
            raise PayloadInvalid("The stored cursor is not one of Tryton's. Clear it to read everything.") from problem
        return await self._signed_in(http, config, act)

    async def _signed_in(
        self, http: HttpCaller, config: ConnectionConfig, act: Callable[[TrytonSession], Awaitable[Result]]
    ) -> Result:
        session = self._sessions.get(config.connection_id)
        if session is not None and session.config == config:
            try:
                return await act(session)
            except SignedOut:
                self._sessions.pop(config.connection_id, None)
        session = self._sessions[config.connection_id] = await sign_in(http, config)
        try:
            return await act(session)
        except SignedOut:
            raise SystemUnavailable(
                "Tryton did not accept the session that it had just given. Try again later."
            ) from None


async def _poll(http: HttpCaller, session: TrytonSession, stored: Cursor, now: datetime) -> PollPage:
    place = _checked(_in_currency(stored, session.currency), now, _overlap(session))
    if not place.after:
        place = await _begin_window(http, session, place, now)
    found = await _find_changed(http, session, place)
    raws, refused = await read_products(http, session, found.ids)
    upcoming = place.upcoming
    payloads = [await refused_payload(http, session, now, product_id, reason) for product_id, reason in refused]
    for product_id, raw in sorted((_decode(raw, _Id, "a product").id, raw) for raw in raws):
        move = found.moves.get(product_id)
        dates = _dates(raw, move)
        upcoming = max([upcoming, *(date for date in dates if date <= place.until)])
        external_id = (
            f"product/{product_id}/{max(dates, default=_EPOCH):%Y%m%dT%H%M%S.%f}/{_digest(session.currency, raw, move)}"
        )
        payloads.append((external_id, snapshot_bytes(session.currency, now, raw, move)))
    following = Cursor(upcoming) if found.end is None else Cursor(place.since, found.end, upcoming, place.until)
    elsewhere = {each for each in place.refused if each <= place.after or (found.end is not None and each > found.end)}
    still = sorted(elsewhere | {product_id for product_id, _ in refused})
    following = msgspec.structs.replace(following, refused=still)
    if stored.currency or following != stored:
        following = msgspec.structs.replace(following, currency=session.currency)
    return PollPage(payloads, msgspec.json.encode(following).decode(), more=found.end is not None)


def _in_currency(stored: Cursor, currency: str) -> Cursor:
    """Restart from the beginning when the currency changed: every price then has another meaning, and no date marks the
    change.
    """
    return stored if stored.currency in ("", currency) else Cursor(_EPOCH)


def _checked(stored: Cursor, now: datetime, overlap: timedelta) -> Cursor:
    """Restart from the beginning when the position is in the future: values missed before it are unknown."""
    if max(stored.since, _EPOCH) - overlap > now:
        return Cursor(_EPOCH)
    until = min(stored.until, now) if stored.until != _EPOCH else now
    upcoming = stored.upcoming if stored.upcoming <= until else stored.since
    return Cursor(min(max(stored.since, _EPOCH), now), stored.after, upcoming, until, refused=stored.refused)


async def _begin_window(http: HttpCaller, session: TrytonSession, place: Cursor, now: datetime) -> Cursor:
    """Start a window. The newest move is read before the products, so that a move finished in between is found again
    next time.
    """
    newest = await _newest_move_date(http, session, now)
    until = now
    if session.clock is not None and abs(session.clock - now) <= _PLAUSIBLE:
        until = min(session.clock + _TICK, now)
    since = min(place.since, until)  # after a set-back of Tryton's clock its new dates are before our position
    upcoming = max([since, *([newest] if newest <= until else [])])
    return Cursor(since, 0, upcoming, until, refused=place.refused)


def _overlap(session: TrytonSession) -> timedelta:
    return timedelta(seconds=int(session.config.settings.get("overlap_seconds") or _OVERLAP_SECONDS))


async def _find_changed(http: HttpCaller, session: TrytonSession, place: Cursor) -> _Found:
    domain: list[Any] = [["id", ">", place.after], *_EVERY_CODED]
    moves: dict[int, msgspec.Raw] = {}
    ends = []
    if place.since != _EPOCH:  # the first window reads every product; its moves would be duplicates
        since = tryton_moment(max(place.since - _overlap(session), _EPOCH))
        rows = await _moves_since(http, session, since, place.after)
        moves = dict(reversed(rows))  # the first of each product, i.e. the newest
        if len(rows) == _MOVES:
            ends.append(rows[-1][0])
        known = [*moves, *(each for each in place.refused if each not in moves)]
        domain.append(["OR", *[[name, ">=", since] for name in CHANGE_FIELDS], ["id", "in", known]])
    order = [["id", "ASC"]]
    ids = await session.call(http, list[int], "model.product.product.search", domain, 0, _PAGE + 1, order)
    if len(ids) > _PAGE:
        ends.append(ids[_PAGE - 1])
    end = min(ends) if ends else None
    return _Found([each for each in ids if end is None or each <= end], moves, end)


async def _moves_since(
    http: HttpCaller, session: TrytonSession, since: dict[str, Any], after: int
) -> list[tuple[int, msgspec.Raw]]:
    """Finished moves by product, newest first: a truncated list still contains the newest of its last product."""
    domain = [["write_date", ">=", since], ["state", "=", "done"], ["product", ">", after]]
    order = [["product", "ASC"], ["write_date", "DESC"]]
    rows = await _search_moves(http, session, domain, _MOVES, order)
    return [(_decode(row, _Moved, "a stock move").product, row) for row in rows]


async def _newest_move_date(http: HttpCaller, session: TrytonSession, now: datetime) -> datetime:
    domain = [["state", "=", "done"], ["write_date", "<=", tryton_moment(now)]]
    rows = await _search_moves(http, session, domain, 1, [["write_date", "DESC"]])
    return max((date for row in rows for date in _move_dates(row)), default=_EPOCH)


async def _search_moves(
    http: HttpCaller, session: TrytonSession, domain: list[Any], limit: int, order: list[list[str]]
) -> list[msgspec.Raw]:
    method = "model.stock.move.search_read"
    return await session.call(http, list[msgspec.Raw], method, domain, 0, limit, order, ["product", "write_date"])


def _digest(currency: str, product: msgspec.Raw, move: msgspec.Raw | None) -> str:
    """Hash of the content: a transaction that commits late changes the content without a newer date. Fields are sorted
    first, because their order differs between starts of Tryton.
    """
    parts = [currency, *(decode_json(raw) for raw in (product, move) if raw is not None)]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]


def _decode(raw: msgspec.Raw, shape: type[Result], name: str) -> Result:
    try:
        return decode_json(raw, type=shape)
    except msgspec.DecodeError as problem:
        raise PayloadInvalid(f"Tryton's answer about {name} no longer has the agreed form: {problem}.") from problem


def _dates(raw: msgspec.Raw, move: msgspec.Raw | None) -> list[datetime]:
    """Dates of a product; None when its format has changed: the product is passed on, and translation reports the
    drift.
    """
    try:
        dates = decode_json(raw, type=Product).dates()
    except (msgspec.DecodeError, ValueError):
        return []
    return [*dates, *(_move_dates(move) if move is not None else [])]


def _move_dates(raw: msgspec.Raw) -> list[datetime]:
    try:
        return [decode_json(raw, type=Move).write_date.aware()]
    except (msgspec.DecodeError, ValueError):
        return []


def _observations(snapshot: Snapshot) -> list[Observation]:
    """Observations of a payload. Raises PayloadInvalid with the readable ones when some are unreadable."""
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
            found.append(
                Observation(
                    product.code,
                    element,
                    value,
                    version,
                    committed_at,
                    str(product.id),
                    product.template.name or "",
                    version_is_ours=True,
                )
            )
    if unreadable:
        reasons = " ".join(f"{each.element}: {each.reason}" for each in unreadable)
        raise PayloadInvalid(
            f"Tryton's product {product.code} cannot be taken over as it is. {reasons}",
            observations=found,
            unreadable=unreadable,
        )
    return found


def _money(raw: msgspec.Raw, currency: str) -> Value | None:
    number = decode_json(raw, type=Number | None)
    if number is None:
        return None
    money = Money.from_decimal(number.value(), currency)
    return minor_money(money.minor, money.currency)


def _on_hand(raw: msgspec.Raw) -> Value | None:
    """Stock in pieces; raises for fractions. Tryton rounds its sums to the unit's own digits, so a fraction is
    intended: channels sell pieces, and neither 12 nor 13 would be correct.
    """
    text = bytes(raw).decode()
    if text == "null":
        return None
    number = parse_decimal(text)
    if abs(number) > _EXACT_FLOATS:
        raise InexactAmount(f"{text[:60]} is beyond the whole numbers that Tryton can tell apart.")
    if number != number.to_integral_value():
        raise InexactAmount(f"{text[:60]} is not a whole number of pieces. Keep this product in a unit without digits.")
    return quantity(to_integer(number))


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
