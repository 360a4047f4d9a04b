"""Grants of prepaid units and wallets of money: the order of their use, and their balances."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing.pricing.numbers import Number, decimal, exact
from billing.pricing.periods import Interval, step
from billing.pricing.rounding import Rounding, to_minor


class CreditGrant(msgspec.Struct, frozen=True, kw_only=True):
    """Units that can be used from `effective` until `expires` or `voided`, both not included. Lower `priority` numbers
    go first, then the earliest expiry, then the id. With `recurs` the balance is filled to `amount` again at each step
    from `anchor` (default: `effective`). `max_rollover` and `min_rollover` apply at resets.
    """

    id: str
    amount: Number
    effective: datetime
    expires: datetime | None = None
    voided: datetime | None = None
    priority: int = 0
    recurs: Interval | None = None
    anchor: datetime | None = None
    max_rollover: Number | None = 0
    min_rollover: Number = 0

    @property
    def end(self) -> datetime | None:
        ends = [end for end in (self.expires, self.voided) if end is not None]
        return min(ends) if ends else None


class UseEvent(msgspec.Struct, frozen=True):
    """Use at an instant. A negative quantity takes earlier use back."""

    at: datetime
    quantity: Number


class Draw(msgspec.Struct, frozen=True):
    """Units of one grant that one event used."""

    at: datetime
    grant_id: str
    quantity: Decimal


class BurnDown(msgspec.Struct, frozen=True):
    """Balances of all grants at the end, 0 for those not in force; `overage` is use that no grant covered."""

    balances: dict[str, Decimal]
    overage: Decimal
    draws: tuple[Draw, ...]


class Drawdown(msgspec.Struct, frozen=True):
    applied_minor: int
    due_minor: int
    balance_minor: int


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """Prepaid money. Lower `priority` numbers go first, then the earliest expiry, then the id."""

    id: str
    balance_minor: int
    priority: int = 0
    expires: datetime | None = None


class WalletsApplied(msgspec.Struct, frozen=True):
    applied: dict[str, int]
    due_minor: int


class _Ledger:
    def __init__(self, grants: Sequence[CreditGrant], overage: Fraction, *, overage_from_next_grant: bool) -> None:
        self.grants = sorted(grants, key=lambda one: (one.priority, one.end is None, _stamp(one.end), one.id))
        self.left: dict[str, Fraction] = {}
        self.overage = overage
        self.draws: list[tuple[datetime, str, Fraction]] = []
        self._open: list[tuple[str, Fraction]] = []
        self._settles = overage_from_next_grant

    def fill(self, grant: CreditGrant, at: datetime, amount: Fraction) -> None:
        self.left[grant.id] = amount
        if self._settles and self.overage:
            owed, self.overage = self.overage, Fraction(0)
            self.use(at, owed)

    def use(self, at: datetime, quantity: Fraction) -> None:
        if quantity < 0:
            self._take_back(at, -quantity)
            return
        for grant in self.grants:
            drawn = min(quantity, self.left.get(grant.id, Fraction(0)))
            if drawn:
                self.left[grant.id] -= drawn
                self.draws.append((at, grant.id, drawn))
                self._open.append((grant.id, drawn))
                quantity -= drawn
        self.overage += quantity

    def _take_back(self, at: datetime, quantity: Fraction) -> None:
        settled = min(quantity, self.overage)
        self.overage, quantity = self.overage - settled, quantity - settled
        while quantity and self._open:  # newest first; units from a grant that ended since are lost with it
            grant_id, drawn = self._open.pop()
            back = min(quantity, drawn)
            if grant_id in self.left:
                self.left[grant_id] += back
            self.draws.append((at, grant_id, -back))
            quantity -= back
            if drawn > back:
                self._open.append((grant_id, drawn - back))


def burn_down(  # noqa: PLR0913 - keyword-only
    grants: Sequence[CreditGrant],
    events: Sequence[UseEvent],
    *,
    until: datetime,
    overage: Number = 0,
    overage_from_next_grant: bool = True,
    resets: Sequence[datetime] = (),
    keep_overage: bool = False,
) -> BurnDown:
    """Balances after the events before `until`, whatever their order in the list.

    Use without a grant is overage. By `overage_from_next_grant` the next grant that begins or recurs pays it; else it
    is billed. At a reset each grant in force keeps its rollover, and overage ends unless `keep_overage`.
    """
    book = _Ledger(grants, exact(overage), overage_from_next_grant=overage_from_next_grant)
    moments = [*_moments(book.grants, until, resets), *((event.at, 4, event) for event in events if event.at < until)]
    for at, kind, subject in sorted(moments, key=lambda one: (one[0], one[1])):
        if isinstance(subject, UseEvent):
            book.use(at, exact(subject.quantity))
        elif isinstance(subject, CreditGrant) and kind == 0:
            book.left.pop(subject.id, None)
        elif isinstance(subject, CreditGrant):
            if kind == 2 or subject.id in book.left:
                book.fill(subject, at, exact(subject.amount))
        else:
            if not keep_overage:
                book.overage = Fraction(0)
            for grant in book.grants:
                if grant.id in book.left:
                    rest = rollover(book.left[grant.id], grant.max_rollover, minimum=grant.min_rollover)
                    book.fill(grant, at, exact(rest))
    return BurnDown(
        {grant.id: decimal(book.left.get(grant.id, Fraction(0))) for grant in grants},
        decimal(book.overage),
        tuple(Draw(at, grant_id, decimal(drawn)) for at, grant_id, drawn in book.draws),
    )


def _moments(
    grants: Sequence[CreditGrant], until: datetime, resets: Sequence[datetime]
) -> Iterator[tuple[datetime, int, CreditGrant | None]]:
    """Ends before resets, beginnings and recurrences of the same instant."""
    for grant in grants:
        if grant.end is not None and grant.end <= grant.effective:
            continue
        if grant.effective <= until:
            yield grant.effective, 2, grant
        if grant.end is not None and grant.end <= until:
            yield grant.end, 0, grant
        last = until if grant.end is None else min(until, grant.end)
        count = 1
        while grant.recurs is not None and (at := step(grant.anchor or grant.effective, grant.recurs, count)) <= last:
            if at > grant.effective and at != grant.end:
                yield at, 3, grant
            count += 1
    yield from ((at, 1, None) for at in resets if at <= until)


def _stamp(at: datetime | None) -> float:
    return 0 if at is None else at.timestamp()


def rollover(balance: Number, maximum: Number | None = 0, *, minimum: Number = 0) -> Decimal:
    """Balance carried over at a reset: at least `minimum`, and no more than `maximum`; None for no limit."""
    kept = max(exact(balance), exact(minimum))
    return decimal(kept if maximum is None else min(kept, exact(maximum)))


def wallet_top_up(credits_: Number, rate: Number, exponent: int = 2, *, mode: Rounding = Rounding.HALF_UP) -> int:
    """The price of credits in minor units, at `rate` of the currency for one credit; rounded once."""
    return to_minor(exact(credits_) * exact(rate), exponent, mode=mode)


def wallet_auto_recharge(
    balance_minor: int, *, below_minor: int, top_up_minor: int = 0, target_minor: int | None = None
) -> int:
    """Amount to add when the balance is below the threshold: a fixed amount, or up to a target. Else 0."""
    if balance_minor >= below_minor:
        return 0
    return top_up_minor if target_minor is None else max(0, target_minor - balance_minor)


def wallet_drawdown(balance_minor: int, invoice_minor: int) -> Drawdown:
    """Payment of an invoice from one balance, which never falls below 0. A credit (negative) draws nothing."""
    applied = max(0, min(balance_minor, invoice_minor))
    return Drawdown(applied, invoice_minor - applied, balance_minor - applied)


def draw_wallets(wallets: Sequence[Wallet], invoice_minor: int, *, now: datetime | None = None) -> WalletsApplied:
    """Payment of an invoice from several wallets in their order; a wallet that expired by `now` is not used."""
    due, applied = invoice_minor, {wallet.id: 0 for wallet in wallets}
    for wallet in sorted(wallets, key=lambda one: (one.priority, one.expires is None, _stamp(one.expires), one.id)):
        if now is None or wallet.expires is None or wallet.expires > now:
            drawn = wallet_drawdown(wallet.balance_minor, due)
            applied[wallet.id], due = drawn.applied_minor, drawn.due_minor
    return WalletsApplied(applied, due)
