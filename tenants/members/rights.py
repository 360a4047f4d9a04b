"""Current rights of members, for jobs that execute earlier requests or approvals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import Database, scope_of
from foundation.scope import Scope
from policy.cache import PolicyCache
from policy.index import permissions_of, roles_of
from tenants.auth.identity import load_principal
from tenants.models import AccessGrant, ApiKey, Client, Member
from tenants.states import AccessState, StaffAccess


@dataclass(frozen=True, slots=True)
class RightsReport:
    """Ids: `members` are members of the account or the MSP's staff; `lapsed` are those of them without any of the
    permissions in question, revoked keys, and keys whose creator is lapsed. An id in neither is a system's. `roles` are
    those that the members have in the account now; of staff whom it admits on request only, those of access that was
    granted and not revoked.
    """

    members: frozenset[str]
    lapsed: frozenset[str]
    roles: Mapping[str, frozenset[str]]


class MemberRights:
    """Reads in its own transactions: the MSP's staff belong to another scope than the client in which they act."""

    def __init__(self, db: Database, policies: PolicyCache) -> None:
        self._db = db
        self._policies = policies

    async def find(self, scope: Scope, ids: Iterable[str], *, permissions: tuple[str, ...]) -> RightsReport:
        """Rights of `ids`; members without any of `permissions` are lapsed."""
        requested = {found for one in ids if (found := _as_id(one)) is not None}
        if not requested:
            return RightsReport(frozenset(), frozenset(), {})
        async with self._db.transaction(replace(scope, partner_id=None, fleet=False)) as session:
            own = (ApiKey.tenant_id == scope.tenant_id, ApiKey.id.in_(requested))
            columns = (ApiKey.id, ApiKey.revoked_at, ApiKey.on_behalf_of_id)
            keys = {row.id: row for row in await session.execute(select(*columns).where(*own))}
            wanted = requested | {row.on_behalf_of_id for row in keys.values() if row.on_behalf_of_id is not None}
            roles, lapsed = await self._find_rights(session, wanted, permissions)
            granted = await self._find_granted(session, permissions)
        elsewhere = wanted - roles.keys() - keys.keys()
        if elsewhere and scope.tenant_id != scope.msp_id:
            async with self._db.transaction(
                replace(scope, tenant_id=scope.msp_id, partner_id=None, fleet=False)
            ) as session:
                staff = await self._find_rights(session, elsewhere, permissions, granted)
            roles, lapsed = roles | staff[0], lapsed | staff[1]
        lapsed |= {one for one, row in keys.items() if row.revoked_at is not None or row.on_behalf_of_id in lapsed}
        of_members = {str(one): held for one, held in roles.items() if one in requested}
        return RightsReport(frozenset(of_members), frozenset(map(str, lapsed & requested)), of_members)

    async def _find_granted(
        self, session: AsyncSession, permissions: tuple[str, ...]
    ) -> dict[UUID, frozenset[str]] | None:
        """Roles of the staff to whom the scope's client granted one of `permissions`; None if it always admits staff.
        Their earlier actions stay valid after the end of the access, but not after its revocation.
        """
        scope = scope_of(session)
        setting = await session.scalar(select(Client.staff_access).where(Client.tenant_id == scope.tenant_id))
        if setting is None or setting == StaffAccess.STANDING:
            return None
        index = await self._policies.index_for(session, scope)
        own = (AccessGrant.tenant_id == scope.tenant_id, AccessGrant.state == AccessState.GRANTED)
        rows = await session.execute(select(AccessGrant.member_id, AccessGrant.role).where(*own))
        granted: dict[UUID, frozenset[str]] = {}
        for row in rows:
            if permissions_of(index, row.role) & set(permissions):
                granted[row.member_id] = granted.get(row.member_id, frozenset()) | {
                    row.role,
                    *roles_of(index, row.role),
                }
        return granted

    async def _find_rights(
        self,
        session: AsyncSession,
        ids: set[UUID],
        permissions: tuple[str, ...],
        granted: Mapping[UUID, frozenset[str]] | None = None,
    ) -> tuple[dict[UUID, frozenset[str]], set[UUID]]:
        """Roles of those of `ids` who are members of the scope's account, and those without any of `permissions`.
        `granted`: the roles that count in place of their own, each with one of `permissions`.
        """
        own = (Member.tenant_id == scope_of(session).tenant_id, Member.id.in_(ids))
        roles: dict[UUID, frozenset[str]] = {}
        lapsed = set()
        for one in set(await session.scalars(select(Member.id).where(*own))):
            member = await load_principal(session, self._policies, one)
            if member is None:
                roles[one], may = frozenset(), False
            elif granted is None:
                roles[one], may = frozenset(member.roles), any(map(member.may, permissions))
            else:
                roles[one], may = granted.get(one, frozenset()), one in granted
            if not may:
                lapsed.add(one)
        return roles, lapsed


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
