"""Whose data a transaction may see. Set per transaction in the database; without it every policy answers nothing."""

from dataclasses import dataclass, replace
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `kind` is person, machine or system; `id` is the user's or key's id, or the job's name.

    `on_behalf_of` is the id of the person who made a machine's key and answers for what it does; empty where there is
    none.
    `counts_as` is the id of the person for whom four-eyes rules take this actor, where that is somebody else: the maker
    of a key, and whoever invited a member whom nobody independent has confirmed yet.
    """

    kind: str
    id: str
    name: str
    on_behalf_of: str = ""
    counts_as: str = ""

    @property
    def person_behind(self) -> UUID | None:
        """The person who acts, or who made the key that acts."""
        person = self.id if self.kind == "person" else self.on_behalf_of
        return UUID(person) if person else None

    @property
    def one_person(self) -> frozenset[str]:
        """Ids that four-eyes rules must not take for two people."""
        return frozenset({self.id, self.on_behalf_of, self.counts_as} - {""})

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls(kind="system", id=name, name=name)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a transaction may touch.

    `tenant_id` is the client, or the MSP's own id for rows of the MSP's house account.
    `partner_id` narrows to one trading partner. `fleet` reads, and only reads, across the clients of `msp_id`.
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
