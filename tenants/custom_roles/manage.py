"""Creating, changing and deleting roles of an account, within the caller's rights."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.errors import InvalidInput
from foundation.ids import NewId
from foundation.marks import N_
from policy import roles
from policy.errors import PermissionRefused, RoleInUse
from policy.models import PolicyRole
from policy.role_repository import get_role
from policy.roles import RoleContent
from tenants.auth.services import AuthServices
from tenants.custom_roles.catalogue import PermissionCatalogue
from tenants.errors import LastAdministrator
from tenants.factors.rules import end_rule
from tenants.members.administrators import has_administrator
from tenants.models import Member
from tenants.principal import Principal


class RoleManager:
    """Use cases of pages, API and commands. `by` is None for the operator, who has every right."""

    def __init__(self, auth: AuthServices, catalogue: PermissionCatalogue, new_id: NewId) -> None:
        self.auth = auth
        self.catalogue = catalogue
        self._new_id = new_id

    async def allowed(self, session: AsyncSession) -> frozenset[str]:
        """Permissions that roles of the scope's account can have."""
        scope = scope_of(session)
        index = await self.auth.policies.index_for(session, scope)
        return self.catalogue.codes_of(index, in_msp_account=scope.tenant_id == scope.msp_id)

    async def create(self, session: AsyncSession, by: Principal | None, content: RoleContent) -> PolicyRole:
        """Create a role.

        Raises:
            PermissionRefused: the caller does not have one of the permissions.
            InvalidInput, RoleNameTaken: see `policy.roles.create_role`.
        """
        await self._check(session, by, content.permissions, before=())
        return await roles.create_role(session, content, clock=self.auth.clock, new_id=self._new_id)

    async def change(self, session: AsyncSession, by: Principal | None, role: str, content: RoleContent) -> PolicyRole:
        """Change a role, effective with the next request of everyone who has it.

        Raises:
            PermissionRefused: the caller does not have a permission that is added or removed.
            LastAdministrator: nobody could administer the account any more.
            NotFound, InvalidInput, RoleNameTaken: see `policy.roles.change_role`.
        """
        before = await get_role(session, role)
        await self._check(session, by, content.permissions, before=before.permissions)
        governed = await has_administrator(session)
        changed = await roles.change_role(session, role, content, clock=self.auth.clock, new_id=self._new_id)
        if governed and not await has_administrator(session):
            raise LastAdministrator
        return changed

    async def delete(self, session: AsyncSession, by: Principal | None, role: str) -> None:
        """Delete a role that is not assigned, with the rule that its members need a second factor.

        Raises:
            RoleInUse: names its holders.
            PermissionRefused: the caller does not have one of its permissions.
            NotFound: no such role of the account's own.
        """
        known = await get_role(session, role)
        await self._check(session, by, (), before=known.permissions)
        if holders := await role_holders(session, role):
            names = [member.name for member in holders]
            raise RoleInUse(
                N_("{names} still have this role. Remove it from them first."),
                params={"names": ", ".join(names)},
                holders=[member.email for member in holders],
            )
        await end_rule(session, role, now=self.auth.clock())
        await roles.remove_role(session, role, clock=self.auth.clock, new_id=self._new_id)

    async def _check(
        self, session: AsyncSession, by: Principal | None, wanted: Sequence[str], *, before: Sequence[str]
    ) -> None:
        """Check the permissions that are added or removed."""
        await self._check_known(session, set(wanted) - set(before))
        if by is None:
            return
        for permission in sorted(set(wanted) ^ set(before)):
            if not by.may(permission):
                raise PermissionRefused(
                    N_("You do not have the permission “{label}”, so you can neither give nor take it."),
                    params={"label": ", ".join(self.catalogue.labels([permission]))},
                    permission=permission,
                )

    async def _check_known(self, session: AsyncSession, added: Collection[str]) -> None:
        unknown = sorted(set(added) - await self.allowed(session)) if added else []
        if unknown:
            raise InvalidInput(
                N_("Roles of this account cannot have the permission “{permission}”."),
                params={"permission": unknown[0]},
                field="permissions",
            )


async def role_holders(session: AsyncSession, role: str) -> Sequence[Member]:
    """Members of the scope's account to whom the role is assigned, by name."""
    ids = await roles.holders_of(session, role)
    own = (Member.tenant_id == scope_of(session).tenant_id, Member.id.in_(ids))
    return (await session.scalars(select(Member).where(*own).order_by(Member.name, Member.id))).all()
