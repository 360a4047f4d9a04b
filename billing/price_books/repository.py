"""Price books: one for wholesale, one common for retail, and one more for each client with its own prices."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.audit_actions import BillingAction
from billing.errors import PastIsFixed, PriceNotAllowed
from billing.price_books.cells import check_cells_meter
from billing.price_books.pricing import Terms, check_terms, further_terms, terms_from_row, tiers_to_json
from billing.price_books.wording import write_cells, write_limits, write_price, write_tiers
from billing.pricing.rules import BillingRules
from billing.sides import Side, as_rater
from canonical.money import UnknownCurrency, minor_exponent
from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from foundation.ids import NewId
from foundation.marks import N_
from foundation.names import clean_name
from foundation.scope import Scope
from foundation.text import has_hidden
from foundation.web.lists import check_exact
from foundation.web.pagination import ListQuery, ListSource, ResultPage, Sort, SortKey, read_page


class NewPriceBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    side: Side
    currency: str
    name: str
    client_id: UUID | None = None
    rules: BillingRules = BillingRules()


class NewPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`description` is the text on the buyer's invoice line."""

    meter: str
    description: str
    terms: Terms
    valid_from: datetime


class PriceRow(msgspec.Struct, frozen=True):
    id: UUID
    book_id: UUID
    side: Side
    client_id: UUID | None
    currency: str
    meter: str
    description: str
    valid_from: datetime
    valid_to: datetime | None
    terms: Terms

    @property
    def text(self) -> str:
        """The price in words."""
        return write_price(self.terms, self.currency)

    @property
    def limits(self) -> str:
        return write_limits(self.terms, self.currency)

    @property
    def tiers(self) -> Sequence[tuple[str, str, str]]:
        """As `write_tiers`."""
        return write_tiers(self.terms, self.currency)

    @property
    def cells(self) -> Sequence[tuple[str, str]]:
        """As `write_cells`."""
        return write_cells(self.terms, self.currency)


async def create_price_book(session: AsyncSession, book: NewPriceBook, *, now: datetime, new_id: NewId) -> UUID:
    """Create a price book in the scope of the MSP account. The caller checks that only the operator creates wholesale
    books.

    Raises:
        Conflict: there is already one for this side and client, or the client's subscriptions are in another currency.
        PriceNotAllowed: ISO 4217 does not define the currency's number of digits.
    """
    scope = _require_msp_account(session)
    _check_currency(book.currency)
    if book.client_id is not None and book.side is not Side.RETAIL:
        raise PriceNotAllowed(N_("Only a retail price book can belong to one client."))
    name, book_id = clean_name(book.name), new_id()
    async with as_rater(session):
        await _check_subscriptions(session, book, now)
        made = await session.scalar(
            text("""
                INSERT INTO price_book (tenant_id, msp_id, id, side, client_id, currency, name, rules,
                                        created_at)
                VALUES (:tenant_id, :tenant_id, :id, :side, :client_id, :currency, :name, CAST(:rules AS jsonb), :now)
                ON CONFLICT (tenant_id, side, client_id) DO NOTHING RETURNING id
            """),
            {
                "tenant_id": scope.tenant_id, "id": book_id, "side": book.side.value, "client_id": book.client_id,
                "currency": book.currency, "name": name, "now": now, "rules": msgspec.json.encode(book.rules).decode(),
            },
        )  # fmt: skip
    if made is None:
        raise Conflict(N_("There is a price book for this already. Add prices to it."))
    data = {"side": book.side, "client_id": book.client_id, "currency": book.currency, "name": name}
    append_audit(session, action=BillingAction.PRICE_BOOK_CREATED, subject=f"price_book:{book_id}", data=data, at=now)
    return book_id


async def _check_subscriptions(session: AsyncSession, book: NewPriceBook, now: datetime) -> None:
    """Check the currency of the client's subscriptions. Raises Conflict: they would no longer be billed."""
    if book.client_id is None or book.side is not Side.RETAIL:
        return
    keys = {"msp": scope_of(session).msp_id, "client": book.client_id, "currency": book.currency, "now": now}
    other = await session.scalar(_OTHER_CURRENCY, keys)
    if other is not None:
        raise Conflict(
            N_("This client's subscriptions are in {plan}. End them before its prices are in {currency}."),
            params={"plan": str(other), "currency": book.currency},
        )


async def set_price(  # noqa: PLR0913 - keyword-only
    session: AsyncSession, book_id: UUID, *, price: NewPrice, now: datetime, new_id: NewId, only: Side | None = None
) -> UUID:
    """Add a price valid from `valid_from` until the next existing one; the price in force then ends there. `only`: the
    side of the books that the caller may change.

    In a gap without a price, `valid_from` may be in the past: the price then applies to unattributed usage and changes
    nothing else.

    Raises:
        PastIsFixed: a price was in force at `valid_from` already, and that is before `now`.
        PriceNotAllowed: the terms are not valid.
        InvalidInput: the description has hidden characters, or is too long.
        NotFound: the MSP has no such book.
        Forbidden: the book is of another side.
    """
    scope = _require_msp_account(session)
    terms = check_terms(price.terms)
    if not price.meter or not price.description:
        raise PriceNotAllowed(N_("A price needs a meter and a description for the invoice line."))
    check_exact(price.description, "description")
    if has_hidden(price.description):
        raise InvalidInput(N_("This text contains characters that cannot be shown. Remove them."), field="description")
    await check_cells_meter(session, price.meter, terms.cells)
    price_id = new_id()
    keys = {"tenant_id": scope.tenant_id, "book_id": book_id, "meter": price.meter, "valid_from": price.valid_from}
    async with as_rater(session):
        # The lock on the book's row prevents overlapping validities.
        side = await session.scalar(
            text("SELECT side FROM price_book WHERE tenant_id = :tenant_id AND id = :book_id FOR UPDATE"), keys
        )
        if side is None:
            raise NotFound
        if only is not None and side != only:
            raise Forbidden(N_("The operator sets wholesale prices."))
        await _end_price_in_force(session, keys, price.valid_from, now)
        await session.execute(
            _INSERT_PRICE,
            {
                **keys, "id": price_id, "side": side, "description": price.description,
                "unit_price": terms.unit_price, "included": terms.included, "now": now,
                "tiers": _as_json(terms), "terms": msgspec.json.encode(further_terms(terms)).decode(),
            },
        )  # fmt: skip
    data = {
        "book_id": book_id,
        "meter": price.meter,
        "valid_from": price.valid_from,
        "terms": msgspec.to_builtins(terms),
    }
    append_audit(session, action=BillingAction.PRICE_SET, subject=f"price:{price_id}", data=data, at=now)
    return price_id


_INSERT_PRICE = text("""
    INSERT INTO price (tenant_id, msp_id, id, side, book_id, meter, description, valid_from, valid_to,
                       unit_price, included_quantity, tiers, terms, created_at)
    SELECT :tenant_id, :tenant_id, :id, :side, :book_id, CAST(:meter AS varchar), :description, :valid_from,
           (SELECT min(later.valid_from) FROM price later WHERE later.tenant_id = :tenant_id
               AND later.book_id = :book_id AND later.meter = CAST(:meter AS varchar)
               AND later.valid_from > :valid_from),
           :unit_price, :included, CAST(:tiers AS jsonb), CAST(:terms AS jsonb), :now
""")


async def _end_price_in_force(
    session: AsyncSession, keys: dict[str, object], valid_from: datetime, now: datetime
) -> None:
    in_force = (
        await session.execute(
            text("""
                SELECT id, valid_from FROM price
                 WHERE tenant_id = :tenant_id AND book_id = :book_id AND meter = :meter
                   AND valid_from <= :valid_from AND (valid_to IS NULL OR valid_to > :valid_from)
            """),
            keys,
        )
    ).one_or_none()
    if in_force is None:
        return
    if valid_from < now:
        raise PastIsFixed(
            N_("Another price applied at that time. Start the new price now or later."), field="valid_from"
        )
    if in_force.valid_from == valid_from:
        raise PastIsFixed(
            N_("A price that begins at exactly this time already exists. Choose another start time."),
            field="valid_from",
        )
    await session.execute(
        text("UPDATE price SET valid_to = :valid_from WHERE tenant_id = :tenant_id AND id = :id"),
        {**keys, "id": in_force.id},
    )


PRICE_ORDER: Final = Sort(
    name="book",
    label=N_("By book and meter"),
    reverse_label=N_("By book and meter, descending"),
    keys=[
        SortKey("b.side", descending=True),
        SortKey("coalesce(b.client_id, '00000000-0000-0000-0000-000000000000')", "uuid"),
        SortKey("p.meter"),
        SortKey("p.valid_from", "timestamptz"),
        SortKey("p.id", "uuid"),
    ],
)
_FIRST_PAGE: Final = ListQuery(list="prices", sort=PRICE_ORDER, limit=500)
PRICE_COLUMNS: Final = """p.book_id, b.side, b.client_id, b.currency, p.id, p.meter, p.description, p.valid_from,
                          p.valid_to, p.unit_price, p.included_quantity, p.tiers, p.terms"""
PRICE_TABLES: Final = "price p JOIN price_book b ON b.tenant_id = p.tenant_id AND b.id = p.book_id"


async def list_prices(session: AsyncSession, query: ListQuery = _FIRST_PAGE) -> ResultPage[PriceRow]:
    """One page of the MSP's prices, both sides. In a fleet scope, which is that of the MSP's staff."""
    scope = scope_of(session)
    if not scope.fleet:
        raise Forbidden(N_("Price books are visible to the MSP's own members only."))
    wanted = query.values.get("side", "")
    source = ListSource(
        columns=PRICE_COLUMNS,
        tables=PRICE_TABLES,
        where="p.tenant_id = :msp_id" + (" AND b.side = :side" if wanted else ""),
        binds={"msp_id": scope.msp_id, **({"side": wanted} if wanted else {})},
    )
    return (await read_page(session, source, query)).map(price_of)


def price_of(row: Row[Any]) -> PriceRow:
    return PriceRow(
        id=row.id, book_id=row.book_id, side=Side(row.side), client_id=row.client_id, currency=row.currency,
        meter=row.meter, description=row.description, valid_from=row.valid_from, valid_to=row.valid_to,
        terms=terms_from_row(row._mapping),  # noqa: SLF001
    )  # fmt: skip


def _as_json(terms: Terms) -> str | None:
    tiers = tiers_to_json(terms.tiers)
    return None if tiers is None else msgspec.json.encode(tiers).decode()


def _check_currency(currency: str) -> None:
    try:
        minor_exponent(currency)
    except UnknownCurrency as problem:
        raise PriceNotAllowed(
            N_("“{currency}” is not a currency of ISO 4217. A currency is three capital letters, such as EUR."),
            params={"currency": currency},
            field="currency",
        ) from problem


def _require_msp_account(session: AsyncSession) -> Scope:
    scope = scope_of(session)
    if scope.fleet or scope.tenant_id != scope.msp_id:
        raise Forbidden(N_("Prices belong to the MSP's own account. Open that account and try again."))
    return scope


_OTHER_CURRENCY = text("""
    SELECT s.plan ->> 'currency' FROM subscription s
     WHERE s.msp_id = :msp AND s.tenant_id = :client AND s.plan ->> 'currency' <> :currency
       AND NOT EXISTS (SELECT 1 FROM subscription_step e
                        WHERE e.tenant_id = s.tenant_id AND e.subscription_id = s.id AND e.kind = 'cancel'
                          AND e.undone_at IS NULL AND e.takes_effect_at <= :now)
     LIMIT 1
""")
