"""Second factors of a member of the scope's account: set up, verified, used up and removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.audit.chain import append_audit
from foundation.database.engine import scope_of
from foundation.errors import Conflict, InvalidInput
from foundation.marks import N_
from foundation.vault.rotation import EncryptedColumn
from foundation.vault.vault import Vault
from tenants.factors.audit_actions import SecondFactorAction
from tenants.factors.models import MemberTotp, RecoveryCode
from tenants.factors.totp import (
    STEP_SECONDS,
    matching_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_hash,
)
from tenants.secrets import NewSecret

_PURPOSE: Final = "member_totp:{member_id}:secret"
SEALED_SECRET: Final = EncryptedColumn("member_totp", "secret", _PURPOSE, keys=("member_id",))
_LONGEST: Final = 64
_SETUP_STEPS: Final = 2
"""Steps that a set-up without a code in between moves back, so that its first code is accepted."""


class Proof(StrEnum):
    """The factor that proved a member's identity."""

    APP = "app"
    RECOVERY_CODE = "recovery-code"


@dataclass(frozen=True, slots=True)
class FactorState:
    """`app_since` is None without an authenticator app; `codes` is the number of unused recovery codes."""

    app_since: datetime | None
    codes: int


class SecondFactors:
    def __init__(self, vault: Vault, new_secret: NewSecret) -> None:
        self._vault = vault
        self._new_secret = new_secret

    async def state(self, session: AsyncSession, member_id: UUID) -> FactorState:
        tenant_id = scope_of(session).tenant_id
        since = await session.scalar(
            select(MemberTotp.confirmed_at).where(MemberTotp.tenant_id == tenant_id, MemberTotp.member_id == member_id)
        )
        codes = select(func.count()).where(RecoveryCode.tenant_id == tenant_id, RecoveryCode.member_id == member_id)
        return FactorState(since, await session.scalar(codes) or 0)

    async def begin(self, session: AsyncSession, member_id: UUID, *, now: datetime, renew: bool = False) -> str:
        """The secret to be confirmed, in base32: the pending one, or a new one.

        Raises:
            Conflict: an app is set up already.
        """
        row = await self._row(session, member_id, lock=True)
        if row is not None and row.confirmed_at is not None:
            raise Conflict(N_("An authenticator app is set up already. Remove it first."))
        if row is not None and not renew:
            return await self._open(session, row)
        scope, secret = scope_of(session), new_totp_secret(self._new_secret)
        sealed = await self._vault.encrypt(session, _PURPOSE.format(member_id=member_id), secret.encode())
        values = {"secret": sealed, "created_at": now, "last_step": int(now.timestamp()) // STEP_SECONDS - _SETUP_STEPS}
        new = insert(MemberTotp).values(
            tenant_id=scope.tenant_id, msp_id=scope.msp_id, member_id=member_id, confirmed_at=None, **values
        )
        await session.execute(new.on_conflict_do_update(index_elements=["tenant_id", "member_id"], set_=values))
        return secret

    async def confirm(self, session: AsyncSession, member_id: UUID, code: str, *, now: datetime) -> Sequence[str]:
        """Confirm the app by its first code. Returns the recovery codes, which cannot be shown again.

        Raises:
            InvalidInput: the code is not the app's.
            Conflict: nothing was begun, or an app is set up already.
        """
        row = await self._row(session, member_id, lock=True)
        if row is None or row.confirmed_at is not None:
            raise Conflict(N_("Begin again: this set-up was completed or replaced elsewhere."))
        step = matching_step(await self._open(session, row), code[:_LONGEST], now)
        if step is None:
            raise InvalidInput(N_("This is not the app's current code. Check the clock of the device."), field="code")
        await self._accept(session, member_id, step, confirmed_at=now)
        append_audit(session, action=SecondFactorAction.SET_UP, subject=f"member:{member_id}", data={}, at=now)
        return await self.renew_codes(session, member_id, now=now)

    async def verify(self, session: AsyncSession, member_id: UUID, typed: str, *, now: datetime) -> Proof | None:
        """Accept a code of the app or a recovery code, once. None if it is neither, or was used before."""
        row = await self._row(session, member_id)
        if row is None or row.confirmed_at is None:
            return None
        step = matching_step(await self._open(session, row), typed[:_LONGEST], now)
        if step is not None:
            # Compare-and-set: of two requests with the same code one is accepted.
            return Proof.APP if await self._accept(session, member_id, step) else None
        own = (RecoveryCode.tenant_id == row.tenant_id, RecoveryCode.member_id == member_id)
        used = delete(RecoveryCode).where(*own, RecoveryCode.code_hash == recovery_hash(typed[:_LONGEST]))
        if await session.scalar(used.returning(RecoveryCode.member_id)) is None:
            return None
        append_audit(
            session, action=SecondFactorAction.RECOVERY_CODE_USED, subject=f"member:{member_id}", data={}, at=now
        )
        return Proof.RECOVERY_CODE

    async def renew_codes(self, session: AsyncSession, member_id: UUID, *, now: datetime) -> Sequence[str]:
        """New recovery codes in place of the earlier ones.

        Raises:
            Conflict: without an app, there is nothing to recover.
        """
        scope = scope_of(session)
        row = await self._row(session, member_id, lock=True)
        if row is None or row.confirmed_at is None:
            raise Conflict(N_("Set up an authenticator app first."))
        await self._drop_codes(session, member_id)
        codes = new_recovery_codes(self._new_secret)
        rows = [
            {
                "tenant_id": scope.tenant_id,
                "msp_id": scope.msp_id,
                "member_id": member_id,
                "code_hash": recovery_hash(one),
            }
            for one in codes
        ]
        await session.execute(insert(RecoveryCode), rows)
        append_audit(session, action=SecondFactorAction.CODES_MADE, subject=f"member:{member_id}", data={}, at=now)
        return codes

    async def remove(self, session: AsyncSession, member_id: UUID) -> bool:
        """Remove app and codes. False if there was no app."""
        own = (MemberTotp.tenant_id == scope_of(session).tenant_id, MemberTotp.member_id == member_id)
        await self._drop_codes(session, member_id)
        confirmed = delete(MemberTotp).where(*own).returning(MemberTotp.confirmed_at)
        return (await session.scalar(confirmed)) is not None

    async def _row(self, session: AsyncSession, member_id: UUID, *, lock: bool = False) -> MemberTotp | None:
        query = select(MemberTotp).where(
            MemberTotp.tenant_id == scope_of(session).tenant_id, MemberTotp.member_id == member_id
        )
        query = query.execution_options(populate_existing=True)
        found: MemberTotp | None = await session.scalar(query.with_for_update() if lock else query)
        return found

    async def _open(self, session: AsyncSession, row: MemberTotp) -> str:
        return (await self._vault.decrypt(session, _PURPOSE.format(member_id=row.member_id), row.secret)).decode()

    async def _accept(self, session: AsyncSession, member_id: UUID, step: int, **values: object) -> bool:
        own = (MemberTotp.tenant_id == scope_of(session).tenant_id, MemberTotp.member_id == member_id)
        accepted = update(MemberTotp).where(*own, MemberTotp.last_step < step).values(last_step=step, **values)
        found = await session.scalar(accepted.returning(MemberTotp.member_id))
        return found is not None

    async def _drop_codes(self, session: AsyncSession, member_id: UUID) -> None:
        own = (RecoveryCode.tenant_id == scope_of(session).tenant_id, RecoveryCode.member_id == member_id)
        await session.execute(delete(RecoveryCode).where(*own))
