"""Requests to a provider that are safe to repeat at any time.

A row is committed before the call. Stripe keeps an idempotency key for a day; the row is kept for good, so that a
retry of next week returns the first answer, or reads the object back if that answer was lost.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.payments.port import ProviderRefused, ProviderUncertain
from billing.payments.states import REQUESTS, RequestState
from foundation.clock import Clock
from foundation.database.engine import Database, scope_of
from foundation.errors import Conflict
from foundation.marks import N_
from foundation.scope import Scope

KEY_LIFE: Final = timedelta(hours=20)
"""Shorter than the day for which the provider answers a key as before."""
Sent = Mapping[str, Any]
"""An answer of the provider with at least its `id`."""


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """`send` is called with an idempotency key; `find` reads back an object that an earlier call may have made."""

    key: str
    body: Mapping[str, Any]
    send: Callable[[str], Awaitable[Sent]]
    find: Callable[[], Awaitable[Sent | None]]


@dataclass(frozen=True, slots=True)
class RequestLog:
    """The requests of one account. Each method opens transactions of its own. `reopens`: refused requests are sent
    again.
    """

    db: Database
    scope: Scope
    account_id: UUID
    clock: Clock
    reopens: bool = False

    async def send(self, call: ProviderCall) -> Sent:
        """Return the provider's answer, from this call or an earlier one.

        Raises:
            Conflict: the key was used for another body.
            ProviderRefused: refused now, or earlier.
            ProviderUncertain: still no answer.
        """
        row, is_new = await self._claim(call)
        if row.state == RequestState.DONE:
            return dict(row.answer)
        attempts = await self._reopen(call.key, row.answer) if row.state == RequestState.REFUSED else row.attempts
        if not is_new:
            found = await call.find()
            if found is not None:
                return await self._finish(call.key, found)
            if self.clock() - (row.finished_at or row.created_at) > KEY_LIFE:
                attempts = await self._use_up(call.key)
        try:
            answer = await call.send(f"{call.key}#{attempts}" if attempts else call.key)
        except ProviderRefused as refused:
            if refused.is_lasting:
                await self._refuse(call.key, refused)
            else:
                await self._use_up(call.key)
            raise
        except ProviderUncertain as failure:
            if failure.is_stored:  # the same key would be answered with the same failure
                await self._use_up(call.key)
            raise
        return await self._finish(call.key, answer)

    async def _claim(self, call: ProviderCall) -> tuple[Row[Any], bool]:
        body_hash = hashlib.sha256(msgspec.json.encode(call.body, order="sorted")).digest()
        async with self.db.transaction(self.scope) as session:
            inserted = await session.execute(
                text(f"""
                    INSERT INTO payment_request (tenant_id, msp_id, account_id, key, body_hash, state, created_at)
                    VALUES (:t, :m, :account, :key, :hash, '{RequestState.PENDING}', :now)
                    ON CONFLICT (tenant_id, account_id, key) DO NOTHING RETURNING key
                """),
                {**self._binds(session, call.key), "m": self.scope.msp_id, "hash": body_hash, "now": self.clock()},
            )
            is_new = inserted.one_or_none() is not None
            found = await session.execute(
                text("""
                    SELECT body_hash, state, answer, attempts, created_at, finished_at FROM payment_request
                     WHERE tenant_id = :t AND account_id = :account AND key = :key
                """),
                self._binds(session, call.key),
            )
            row = found.one()
        if bytes(row.body_hash) != body_hash:
            raise Conflict(
                N_("The request {key} was sent before with another content. Use a new version of it."),
                params={"key": call.key},
            )
        return row, is_new

    async def _finish(self, key: str, answer: Sent) -> Sent:
        kept = {"id": str(answer["id"])}
        await self._write(key, RequestState.DONE, kept, kept["id"])
        return answer

    async def _refuse(self, key: str, refused: ProviderRefused) -> None:
        answer = {"code": refused.provider_code, "message": refused.answer}
        await self._write(key, RequestState.REFUSED, answer, "")

    async def _write(self, key: str, state: RequestState, answer: Mapping[str, str], external_id: str) -> None:
        REQUESTS.move(RequestState.PENDING, state)
        async with self.db.transaction(self.scope) as session:
            await session.execute(
                text(f"""
                    UPDATE payment_request
                       SET state = :state, answer = CAST(:answer AS jsonb), external_id = :id, finished_at = :now
                     WHERE tenant_id = :t AND account_id = :account AND key = :key AND state = '{RequestState.PENDING}'
                """),
                {
                    **self._binds(session, key), "state": state.value, "answer": msgspec.json.encode(answer).decode(),
                    "id": external_id, "now": self.clock(),
                },
            )  # fmt: skip

    async def _reopen(self, key: str, refusal: Mapping[str, str]) -> int:
        """Make a refused request pending, with another idempotency key; the number of those used up.

        Raises:
            ProviderRefused: the log does not reopen requests.
        """
        if not self.reopens:
            raise ProviderRefused(refusal.get("message", ""), provider_code=refusal.get("code", ""))
        REQUESTS.move(RequestState.REFUSED, RequestState.PENDING)
        async with self.db.transaction(self.scope) as session:
            await session.execute(
                text(f"""
                    UPDATE payment_request SET state = '{RequestState.PENDING}', answer = '{{}}'
                     WHERE tenant_id = :t AND account_id = :account AND key = :key AND state = '{RequestState.REFUSED}'
                """),
                self._binds(session, key),
            )
        return await self._use_up(key)

    async def _use_up(self, key: str) -> int:
        """Give the next call another idempotency key; the number of those used up."""
        async with self.db.transaction(self.scope) as session:
            found = await session.execute(
                text("""
                    UPDATE payment_request SET attempts = attempts + 1, finished_at = :now
                     WHERE tenant_id = :t AND account_id = :account AND key = :key RETURNING attempts
                """),
                {**self._binds(session, key), "now": self.clock()},
            )
            return int(found.scalar_one())

    def _binds(self, session: AsyncSession, key: str) -> dict[str, object]:
        return {"t": scope_of(session).tenant_id, "account": self.account_id, "key": key}
