"""The ledger of a client's credit: grant, use, give back, expire, withdraw. Every change is a transaction, under one
lock per client, so that no balance falls below 0.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.pricing.grants import Wallet, draw_wallets
from billing.time_zone import load_today
from billing.wallets.states import REPAID, GrantKind, MoveKind
from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.ids import NewId

USUAL_PRIORITY: Final = 100


class GrantedCredit(msgspec.Struct, frozen=True, kw_only=True):
    """A grant to write; the caller has checked it."""

    kind: GrantKind
    currency: str
    amount_minor: int
    reason: str
    priority: int = USUAL_PRIORITY
    expires_on: date | None = None
    invoice_id: UUID | None = None


class _Move(msgspec.Struct, frozen=True):
    grant_id: UUID
    kind: MoveKind
    amount_minor: int
    invoice_id: UUID | None = None
    note: str = ""


async def lock_credit(session: AsyncSession) -> None:
    """One writer of a client's credit until the transaction ends. Taken after the lock of an invoice, never before."""
    await lock(session, f"credit {scope_of(session).tenant_id}")


async def grant_credit(session: AsyncSession, grant: GrantedCredit, *, now: datetime, new_id: NewId) -> UUID:
    """Grant credit, in the client's scope."""
    await lock_credit(session)
    scope, grant_id = scope_of(session), new_id()
    await session.execute(
        _GRANT,
        {
            **msgspec.structs.asdict(grant), "kind": grant.kind.value, "tenant": scope.tenant_id, "msp": scope.msp_id,
            "id": grant_id, "now": now, "actor": scope.actor.name,
        },
    )  # fmt: skip
    move = _Move(grant_id, MoveKind.GRANTED, grant.amount_minor, grant.invoice_id, grant.reason)
    await _write(session, [move], now=now, new_id=new_id)
    return grant_id


async def draw_credit(  # noqa: PLR0913 - keyword-only
    session: AsyncSession,
    currency: str,
    most_minor: int,
    invoice_id: UUID,
    *,
    bought_minor: int = 0,
    now: datetime,
    new_id: NewId,
) -> int:
    """Use credit for an invoice, in the client's scope: at most `most_minor`. Returns the amount used. `bought_minor`,
    the invoice's charge for credit, is paid only from overpayments and credit notes.
    """
    await lock_credit(session)
    rows = await _usable(session, currency, now)
    other = max(0, most_minor - bought_minor)
    drawn = _draw(rows, other, now)
    own = [row for row in rows if row.kind in REPAID]
    used = {row.id: drawn.get(str(row.id), 0) for row in own}
    more = _draw(own, max(0, most_minor) - sum(drawn.values()), now, used)
    for one, amount in more.items():
        drawn[one] = drawn.get(one, 0) + amount
    moves = [_Move(UUID(one), MoveKind.USED, -amount, invoice_id) for one, amount in drawn.items() if amount]
    await _write(session, moves, now=now, new_id=new_id)
    return -sum(move.amount_minor for move in moves)


def _draw(
    rows: Sequence[Row[Any]], most_minor: int, now: datetime, used: Mapping[UUID, int] | None = None
) -> dict[str, int]:
    """Payment of an amount by usable grants, by id of the grant; `used`: amounts used of each already."""
    wallets = [
        Wallet(
            id=str(row.id), balance_minor=row.left_minor - (used or {}).get(row.id, 0), priority=row.priority,
            expires=_end(row),
        ) for row in rows
    ]  # fmt: skip
    return {one: int(amount) for one, amount in draw_wallets(wallets, max(0, most_minor), now=now).applied.items()}


async def restore_credit(
    session: AsyncSession, invoice_id: UUID, most_minor: int, *, now: datetime, new_id: NewId
) -> int:
    """Return the credit that an invoice used, at most `most_minor`, to its grants, the one used last first. Credit
    returned to an expired grant expires again. Returns the amount.
    """
    await lock_credit(session)
    rows = await session.execute(_USED, {"tenant": scope_of(session).tenant_id, "invoice": invoice_id})
    left, moves = max(0, most_minor), list[_Move]()
    for row in rows:
        back = min(left, row.used)
        left -= back
        if back:
            moves.append(_Move(row.grant_id, MoveKind.RESTORED, back, invoice_id))
    await _write(session, moves, now=now, new_id=new_id)
    return sum(move.amount_minor for move in moves)


async def expire_credit(session: AsyncSession, now: datetime, *, new_id: NewId) -> int:
    """Write off the rest of grants whose last day is over. Returns the number of grants. Idempotent."""
    await lock_credit(session)
    today = await load_today(session, now)
    rows = await session.execute(_EXPIRED, {"tenant": scope_of(session).tenant_id, "today": today})
    moves = [_Move(row.id, MoveKind.EXPIRED, -row.left_minor) for row in rows]
    await _write(session, moves, now=now, new_id=new_id)
    return len(moves)


async def withdraw_credit(
    session: AsyncSession, grant_id: UUID, note: str, *, now: datetime, new_id: NewId
) -> int | None:
    """Withdraw the rest of a grant. Returns the amount; None if the client has no such grant."""
    await lock_credit(session)
    rows = await session.execute(
        text("SELECT left_minor FROM credit_grant WHERE tenant_id = :tenant AND id = :id"),
        {"tenant": scope_of(session).tenant_id, "id": grant_id},
    )
    row = rows.one_or_none()
    if row is None:
        return None
    if row.left_minor:
        move = _Move(grant_id, MoveKind.WITHDRAWN, -row.left_minor, note=note)
        await _write(session, [move], now=now, new_id=new_id)
    return int(row.left_minor)


async def withdraw_bought(
    session: AsyncSession, invoice_id: UUID, most_minor: int, *, now: datetime, new_id: NewId
) -> None:
    """Withdraw credit that an invoice bought, at most `most_minor`, as far as it is not used."""
    await lock_credit(session)
    rows = await session.execute(
        text("""
            SELECT id, left_minor FROM credit_grant
             WHERE tenant_id = :tenant AND invoice_id = :invoice AND kind = 'top_up' AND left_minor > 0
             ORDER BY granted_at DESC, id
        """),
        {"tenant": scope_of(session).tenant_id, "invoice": invoice_id},
    )
    left, moves = most_minor, list[_Move]()
    for row in rows:
        taken = min(left, int(row.left_minor))
        left -= taken
        if taken:
            moves.append(_Move(row.id, MoveKind.WITHDRAWN, -taken, invoice_id))
    await _write(session, moves, now=now, new_id=new_id)


async def available_credit(session: AsyncSession, currency: str, now: datetime) -> int:
    """Credit that can be used now, in minor units."""
    return sum(row.left_minor for row in await _usable(session, currency, now))


async def _usable(session: AsyncSession, currency: str, now: datetime) -> Sequence[Row[Any]]:
    keys = {"tenant": scope_of(session).tenant_id, "currency": currency, "today": await load_today(session, now)}
    return (await session.execute(_USABLE, keys)).all()


def _end(row: Row[Any]) -> datetime | None:
    """End of the grant's last day in all time zones, for the order of usable grants."""
    last: date | None = row.expires_on
    over = timedelta(days=2)
    return None if last is None or last > date.max - over else datetime.combine(last, time(), UTC) + over


async def _write(session: AsyncSession, moves: Sequence[_Move], *, now: datetime, new_id: NewId) -> None:
    scope = scope_of(session)
    for move in moves:
        keys = {
            "tenant": scope.tenant_id, "msp": scope.msp_id, "id": new_id(), "grant": move.grant_id,
            "kind": move.kind.value, "amount": move.amount_minor, "invoice": move.invoice_id, "note": move.note,
            "now": now, "actor": scope.actor.name,
        }  # fmt: skip
        await session.execute(_MOVE, keys)
        if move.kind is not MoveKind.GRANTED:
            await session.execute(_LEFT, keys)


_GRANT = text("""
    INSERT INTO credit_grant (tenant_id, msp_id, id, kind, currency, amount_minor, left_minor, priority, expires_on,
                              invoice_id, reason, granted_at, granted_by)
    VALUES (:tenant, :msp, :id, :kind, :currency, :amount_minor, :amount_minor, :priority, :expires_on, :invoice_id,
            :reason, :now, :actor)
""")
_MOVE = text("""
    INSERT INTO credit_transaction (tenant_id, msp_id, id, grant_id, kind, amount_minor, invoice_id, note, at, actor)
    VALUES (:tenant, :msp, :id, :grant, :kind, :amount, :invoice, :note, :now, :actor)
""")
_LEFT = text("UPDATE credit_grant SET left_minor = left_minor + :amount WHERE tenant_id = :tenant AND id = :grant")
_USABLE = text("""
    SELECT id, kind, left_minor, priority, expires_on FROM credit_grant
     WHERE tenant_id = :tenant AND currency = :currency AND left_minor > 0
       AND (expires_on IS NULL OR expires_on >= :today)
     ORDER BY id
""")
_USED = text("""
    SELECT t.grant_id, (-sum(t.amount_minor))::bigint AS used FROM credit_transaction t
     WHERE t.tenant_id = :tenant AND t.invoice_id = :invoice AND t.kind IN ('used', 'restored')
     GROUP BY t.grant_id HAVING sum(t.amount_minor) < 0
     ORDER BY max(t.at) DESC, max(t.id::text) DESC
""")
_EXPIRED = text("""
    SELECT id, left_minor FROM credit_grant
     WHERE tenant_id = :tenant AND left_minor > 0 AND expires_on < :today ORDER BY id
""")
