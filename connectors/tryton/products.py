"""Polls of Tryton's products: snapshots of those that changed since a date."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from connectors.content import read_content
from connectors.ports import HttpCaller
from connectors.tryton.cursor import EPOCH, Cursor, TrytonPage, checked, end_of_window, on_same_basis
from connectors.tryton.divisions import basis_of, find_divisions, read_divided, unknown_language_payload
from connectors.tryton.messages import CHANGE_FIELDS, Divided, Division, Move, Product, snapshot_bytes, tryton_moment
from connectors.tryton.refusals import read_products, refused_payload
from connectors.tryton.session import TrytonSession, answer_changed
from connectors.tryton.settings import delivery_code, overlap_of
from foundation.decoding import decode_json

Result = TypeVar("Result")

_PAGE: Final = 200  # products
_MOVES: Final = 2000
_EVERY_CODED: Final = [["code", "!=", None], ["code", "!=", ""]]


class _Id(msgspec.Struct, frozen=True):
    id: int


class _Moved(msgspec.Struct, frozen=True):
    product: int


class _Found(msgspec.Struct, frozen=True):
    ids: list[int]
    moves: dict[int, msgspec.Raw]  # the newest per product
    end: int | None  # the page stops at this product; None: it was the last


class _Read(NamedTuple):
    """Products of a page, in the order of their ids; `refused` ones with Tryton's reasons."""

    raws: list[tuple[int, msgspec.Raw]]
    divided: dict[int, list[Divided]]
    refused: list[tuple[int, str]]


async def poll_products(http: HttpCaller, session: TrytonSession, stored: Cursor, now: datetime) -> TrytonPage:
    divisions, unknown = await find_divisions(http, session)
    basis = basis_of(divisions)
    place = checked(on_same_basis(stored, session.currency, basis), now, overlap_of(session.config))
    if not place.after:
        place = await _begin_window(http, session, place, now)
    found = await _find_changed(http, session, place)
    read = await _read(http, session, found.ids, divisions)
    upcoming = place.upcoming
    payloads = [unknown_language_payload(each) for each in unknown]
    payloads += [await refused_payload(http, session, now, each, divisions) for each in read.refused]
    for product_id, raw in read.raws:
        move, divided = found.moves.get(product_id), read.divided.get(product_id, [])
        dates = _dates(raw, move)
        upcoming = max([upcoming, *(date for date in dates if date <= place.until)])
        digest = _digest(session.currency, raw, move, divided)
        external_id = f"product/{product_id}/{max(dates, default=EPOCH):%Y%m%dT%H%M%S.%f}/{digest}"
        payloads.append((external_id, snapshot_bytes(session.currency, now, raw, move, divided)))
    following = Cursor(upcoming) if found.end is None else Cursor(place.since, found.end, upcoming, place.until)
    still = _still_refused(place, found, read)
    following = msgspec.structs.replace(following, refused=still, basis=basis, sales=stored.sales)
    if stored.currency or following != stored:
        following = msgspec.structs.replace(following, currency=session.currency)
    return TrytonPage(payloads, following, more=found.end is not None)


async def _read(http: HttpCaller, session: TrytonSession, ids: list[int], divisions: Sequence[Division]) -> _Read:
    raws, refused = await read_products(http, session, ids)
    known = sorted((_decode(raw, _Id, "a product").id, raw) for raw in raws)
    divided = await read_divided(http, session, divisions, [product_id for product_id, _ in known])
    return _Read(known, divided, refused)


def _still_refused(place: Cursor, found: _Found, read: _Read) -> list[int]:
    elsewhere = {each for each in place.refused if each <= place.after or (found.end is not None and each > found.end)}
    return sorted(elsewhere | {product_id for product_id, _ in read.refused})


async def _begin_window(http: HttpCaller, session: TrytonSession, place: Cursor, now: datetime) -> Cursor:
    """Start a window. The newest move is read before the products, so that a move finished in between is found again
    next time.
    """
    newest = await _newest_move_date(http, session, now)
    until = end_of_window(now, session.clock)
    since = min(place.since, until)  # after a set-back of Tryton's clock its new dates are before our position
    upcoming = max([since, *([newest] if newest <= until else [])])
    return Cursor(since, 0, upcoming, until, refused=place.refused)


async def _find_changed(http: HttpCaller, session: TrytonSession, place: Cursor) -> _Found:
    domain: list[Any] = [["id", ">", place.after], *_EVERY_CODED]
    if delivery := delivery_code(session.config):
        domain.append(["code", "!=", delivery])  # it represents a charge of orders, and is not sold in shops
    moves: dict[int, msgspec.Raw] = {}
    ends = []
    if place.since != EPOCH:  # the first window reads every product; its moves would be duplicates
        since = tryton_moment(max(place.since - overlap_of(session.config), EPOCH))
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
    return max((date for row in rows for date in _move_dates(row)), default=EPOCH)


async def _search_moves(
    http: HttpCaller, session: TrytonSession, domain: list[Any], limit: int, order: list[list[str]]
) -> list[msgspec.Raw]:
    method = "model.stock.move.search_read"
    return await session.call(http, list[msgspec.Raw], method, domain, 0, limit, order, ["product", "write_date"])


def _digest(currency: str, product: msgspec.Raw, move: msgspec.Raw | None, divided: Sequence[Divided]) -> str:
    """Hash of the content: a transaction that commits late changes the content without a newer date. Fields are sorted
    first, because their order differs between starts of Tryton.
    """
    parts = [currency, *(read_content(raw) for raw in (product, move) if raw is not None)]
    parts += [(part.dimension, read_content(part.read), part.refused) for part in divided]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()[:16]


def _decode(raw: msgspec.Raw, shape: type[Result], name: str) -> Result:
    try:
        return decode_json(raw, type=shape)
    except msgspec.DecodeError as problem:
        raise answer_changed(name, problem) from problem


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
