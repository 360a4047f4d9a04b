"""Scope of a transaction: the tenant whose rows it may access. Set per transaction in the database; without a scope
every policy hides all rows.
"""

from dataclasses import dataclass, replace
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """The acting identity. `kind` is member, machine or system; `id` is the member's or key's id, or the job's name.

    `on_behalf_of` is the id of the member who created a machine's key and is responsible for its actions; empty where
    there is none. `counts_as` is the id of another member as whom four-eyes rules count this actor: the creator of a
    key, or the inviter of a member whom no independent member has confirmed yet. `roles` are the roles of a member, for
    approvals that name a role. `looks_as` is the id of the impersonated member. `creator_roles` are the roles of the
    member who created a machine's key.
    """

    kind: str
    id: str
    name: str
    on_behalf_of: str = ""
    counts_as: str = ""
    roles: tuple[str, ...] = ()
    looks_as: str = ""
    creator_roles: tuple[str, ...] = ()

    @property
    def responsible_member_id(self) -> UUID | None:
        """Id of the acting member, or of the creator of the acting key."""
        member = self.id if self.kind == "member" else self.on_behalf_of
        return UUID(member) if member else None

    @property
    def same_identity(self) -> frozenset[str]:
        """Ids that four-eyes rules must count as one person."""
        return frozenset({self.id, self.on_behalf_of, self.counts_as} - {""})

    @property
    def proposer_roles(self) -> tuple[str, ...]:
        """Roles that count for a change's proposer: of the actor and, for a key, of its creator, whose roles would
        otherwise not apply to proposals through the key.
        """
        return tuple(sorted({*self.roles, *self.creator_roles}))

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls(kind="system", id=name, name=name)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a transaction may access.

    `tenant_id` is the client, or the MSP's own id for rows of the MSP account. `partner_id` restricts the scope to one
    trading partner. `fleet` permits reading, and only reading, across the clients of `msp_id`.
    """

    msp_id: UUID
    tenant_id: UUID
    actor: Actor
    partner_id: UUID | None = None
    fleet: bool = False

    def for_fleet(self) -> "Scope":
        return replace(self, fleet=True)

    def for_tenant(self, tenant_id: UUID) -> "Scope":
        return replace(self, tenant_id=tenant_id, fleet=False)
