"""The authenticated principal and the scopes it may enter."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from foundation.errors import NotFound
from foundation.marks import N_
from foundation.scope import Actor, Scope
from foundation.web.rate_limit import DEFAULT_LIMITS, RateLimits
from policy.errors import PermissionRefused
from policy.index import PolicyIndex
from policy.permissions import require_permission
from tenants.errors import KeyCreatorInactive
from tenants.models import Client
from tenants.permissions import HIDDEN_FROM_STAFF, MANAGES_ACCESS, TenantPermission

_READS: Final = ":read"


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in member, or an API key. `tenant_id` is the home: a client, or the MSP account.

    `roles` are those held at home; MSP staff have theirs in every client of their MSP. `policy` is the home's, and
    `home` the client that is the home (None for staff), both read together with the roles. `on_behalf_of_id` is the
    member who created an API key, at home in `on_behalf_of_home`, and `on_behalf_of` that member with current rights; a
    key's rights never exceed its creator's, nor `permissions` if it has some. `vouched_by` is the inviter of a member
    who is not independently confirmed yet. `language` and `time_zone` are those that the member or the account chose;
    empty for none. `granted_until` is the end of access that a client granted to a member of its MSP: `roles` and
    `policy` are then the client's, and `at_home` is that member with the rights at home. `impersonator` is the member
    of the staff who looks as this one, with their rights in the client: nothing but reading is allowed. `unread` counts
    a member's notifications, `shortcuts`: whether pages react to single keys. `limits` are the home's rate limits
    of the API.
    """

    kind: Literal["member", "machine"]
    id: UUID
    name: str
    msp_id: UUID
    tenant_id: UUID
    partner_id: UUID | None = None
    roles: tuple[str, ...] = ()
    policy: PolicyIndex | None = field(default=None, repr=False, compare=False)
    home: Client | None = field(default=None, repr=False, compare=False)
    on_behalf_of_id: UUID | None = None
    on_behalf_of_home: UUID | None = None
    on_behalf_of: "Principal | None" = field(default=None, repr=False, compare=False)
    manages_access: bool = False
    permissions: frozenset[str] | None = None
    vouched_by: UUID | None = None
    language: str = ""
    time_zone: str = ""
    granted_until: datetime | None = None
    at_home: "Principal | None" = field(default=None, repr=False, compare=False)
    impersonator: "Principal | None" = field(default=None, repr=False, compare=False)
    unread: int = 0
    shortcuts: bool = True
    limits: RateLimits = DEFAULT_LIMITS

    @property
    def is_staff(self) -> bool:
        return self.tenant_id == self.msp_id

    @property
    def actor(self) -> Actor:
        if self.impersonator is not None:
            return replace(self.impersonator.actor, looks_as=str(self.id))
        behalf = "" if self.on_behalf_of_id is None else str(self.on_behalf_of_id)
        behind = self if self.on_behalf_of is None else self.on_behalf_of
        counts_as = "" if behind.vouched_by is None else str(behind.vouched_by)
        return Actor(
            kind=self.kind, id=str(self.id), name=self.name, on_behalf_of=behalf, counts_as=counts_as, roles=self.roles,
            creator_roles=() if self.on_behalf_of is None else self.on_behalf_of.roles,
        )  # fmt: skip

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects for policy rules: the principal itself and its roles."""
        return (str(self.id), *self.roles)

    def require(self, permission: str) -> None:
        """Raises:
        PermissionRefused: no rule allows it here, or API keys may not do it.
        KeyCreatorInactive: the key's creator is suspended or gone.
        """
        if self.policy is None:
            raise _refusal(N_("Your role does not allow this."), permission)
        if self.on_behalf_of_id is not None and self.on_behalf_of is None:
            raise KeyCreatorInactive
        if self.at_home is not None and permission == TenantPermission.IMPERSONATE:
            self.at_home.require(permission)  # no client lends it; its access is needed besides
            return
        self._require_as_seen(permission)
        require_permission(self.policy, self.subjects, permission)
        if self.granted_until is not None and permission in MANAGES_ACCESS:
            raise _refusal(
                N_("Access that a client grants for a time never includes the management of access."), permission
            )
        if self.permissions is not None and permission not in self.permissions:
            raise _refusal(N_("This API key is limited to other permissions."), permission)
        if self.kind == "machine" and permission in MANAGES_ACCESS and not self.manages_access:
            raise _refusal(
                N_(
                    "This API key may not manage members, roles, invitations or keys. An administrator can create one "
                    "that may (manages_access)."
                ),
                permission,
            )
        if self.on_behalf_of is not None and not self.on_behalf_of.may(permission):
            raise _refusal(
                N_(
                    "The member who created this API key no longer has the permission for this, so the key "
                    "does not have it either."
                ),
                permission,
            )

    def _require_as_seen(self, permission: str) -> None:
        """Check for staff who look as this member: reading only, within the access that the client granted."""
        if self.impersonator is None:
            return
        if not permission.endswith(_READS) or permission in HIDDEN_FROM_STAFF:
            raise _refusal(N_("This is not available while you view the pages as another member."), permission)
        if self.impersonator.granted_until is not None:
            self.impersonator.require(permission)

    def may(self, permission: str) -> bool:
        try:
            self.require(permission)
        except (PermissionRefused, KeyCreatorInactive):
            return False
        return True


def _refusal(detail: str, permission: str) -> PermissionRefused:
    return PermissionRefused(detail, permission=permission)


def home_scope(principal: Principal) -> Scope:
    return Scope(
        msp_id=principal.msp_id,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        partner_id=principal.partner_id,
    )


def scope_for(principal: Principal, *, msp_id: UUID, tenant_id: UUID) -> Scope:
    """The scope of one client of `msp_id`: staff may enter every client of their own MSP, all others only their
    home.

    Raises:
        NotFound: outside the principal's reach, whether or not it exists.
    """
    own = tenant_id == principal.tenant_id or principal.is_staff
    if msp_id != principal.msp_id or not own:
        raise NotFound
    return Scope(msp_id=msp_id, tenant_id=tenant_id, actor=principal.actor, partner_id=principal.partner_id)


def fleet_scope(principal: Principal) -> Scope:
    """Read scope across all clients of the principal's MSP.

    Raises:
        NotFound: only the MSP's own members and keys have a fleet.
    """
    if not principal.is_staff:
        raise NotFound
    return home_scope(principal).for_fleet()
