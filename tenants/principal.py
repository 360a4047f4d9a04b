"""Who is acting, and whose data that lets them into."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from foundation.errors import NotFound
from foundation.scope import Actor, Scope
from policy.index import PolicyIndex
from tenants.models import Client


@dataclass(frozen=True, slots=True)
class Principal:
    """A signed-in person, or a machine with a key. `tenant_id` is the home: a client, or the MSP's house.

    `roles` are those held at home; MSP staff keep theirs in every client of their MSP. `policy` is the home's, and
    `home` the client it is (None for staff), both read together with the roles. `maker_id`: who made a machine's key.
    """

    kind: Literal["person", "machine"]
    id: UUID
    name: str
    msp_id: UUID
    tenant_id: UUID
    partner_id: UUID | None = None
    roles: tuple[str, ...] = ()
    policy: PolicyIndex | None = field(default=None, repr=False, compare=False)
    home: Client | None = field(default=None, repr=False, compare=False)
    maker_id: UUID | None = None

    @property
    def is_staff(self) -> bool:
        return self.tenant_id == self.msp_id

    @property
    def actor(self) -> Actor:
        maker = "" if self.maker_id is None else str(self.maker_id)
        return Actor(kind=self.kind, id=str(self.id), name=self.name, maker=maker)

    @property
    def subjects(self) -> tuple[str, ...]:
        """What policy rules may name: the principal itself and its roles."""
        return (str(self.id), *self.roles)


def home_scope(principal: Principal) -> Scope:
    return Scope(
        msp_id=principal.msp_id,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        partner_id=principal.partner_id,
    )


def scope_for(principal: Principal, *, msp_id: UUID, tenant_id: UUID) -> Scope:
    """The scope of one client of `msp_id`: staff may enter every client of their own MSP, everybody else only home.

    Raises:
        NotFound: it is not theirs; whether it exists is not told.
    """
    own = tenant_id == principal.tenant_id or principal.is_staff
    if msp_id != principal.msp_id or not own:
        raise NotFound
    return Scope(msp_id=msp_id, tenant_id=tenant_id, actor=principal.actor, partner_id=principal.partner_id)


def fleet_scope(principal: Principal) -> Scope:
    """Reading across all clients of the principal's MSP.

    Raises:
        NotFound: only the MSP's own people and machines have a fleet.
    """
    if not principal.is_staff:
        raise NotFound
    return home_scope(principal).for_fleet()
