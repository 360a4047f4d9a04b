"""The people of an account, and suspending a client."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from foundation.database.savepoint import savepoint
from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput
from foundation.ids import new_id
from policy.permissions import PolicyPermission
from policy.publishing import list_assignments
from tenants.access import Access, spoken_role
from tenants.accounts import resume_client, suspend_client
from tenants.inviting import givable_roles, take_role
from tenants.models import Person, Standing
from tenants.pages import OpenDoor
from tenants.people import get_person, list_people, sign_out_everywhere
from tenants.permissions import TenantPermission
from tenants.routes import OpenAccess

AnyRequest = Request[Any, Any, Any]
_HEADERS: Final = {"Vary": "HX-Request, HX-Boosted", "Cache-Control": "no-store"}
_ROOTS: Final = ["/people", "/clients/{client:str}/people"]
_ONE: Final = [f"{path}/{{person_id:uuid}}" for path in _ROOTS]
_SUSPEND: Final = {"permission": TenantPermission.SUSPEND_CLIENT}
_LONGEST_REASON: Final = 500
_LONGEST_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`roles` are (name, words, whether the reader may take it)."""

    person: Person
    roles: tuple[tuple[str, str, bool], ...]

    @property
    def standing(self) -> tuple[str, str]:
        """Words and the kind of badge."""
        words = {Standing.ACTIVE: ("Active", "ok"), Standing.SUSPENDED: ("Suspended", "bad")}
        return words.get(Standing(self.person.status), ("Invited", "info"))


@get(_ROOTS, name="people", opt={"permission": TenantPermission.READ_PEOPLE}, include_in_schema=False)
async def people_page(access: OpenAccess, after: FromQuery[str] = "") -> Response[Any]:
    return await _people(access, after=after.replace("\x00", ""))


@post(
    [f"{path}/sign-out" for path in _ONE],
    opt={"permission": TenantPermission.INVITE_PEOPLE},
    include_in_schema=False,
)
async def sign_out_person(access: OpenAccess, person_id: FromPath[UUID]) -> Response[Any]:
    return await _act(access, sign_out_everywhere(access.session, person_id=person_id, now=access.now))


@post(
    [f"{path}/roles/{{role:str}}/take" for path in _ONE],
    opt={"permission": PolicyPermission.ASSIGN_ROLE},
    include_in_schema=False,
)
async def take_role_page(
    access: OpenAccess, door: OpenDoor, person_id: FromPath[UUID], role: FromPath[str]
) -> Response[Any]:
    person = await get_person(access.session, person_id)
    taking = take_role(access.session, access.principal, person, role=role, clock=door.clock, new_id=new_id)
    return await _act(access, taking)


@post("/clients/{client:str}/suspend", opt=_SUSPEND, include_in_schema=False)
async def suspend_page(request: AnyRequest, access: OpenAccess) -> Response[Any]:
    reason = str((await request.form()).get("reason", "")).strip()
    if not 1 <= len(reason) <= _LONGEST_REASON or "\x00" in reason:
        return await _people(
            access, InvalidInput(f"Give a reason of 1 to {_LONGEST_REASON} characters.", field="reason")
        )
    return await _act(access, suspend_client(access.session, reason=reason, now=access.now))


@post("/clients/{client:str}/resume", opt=_SUSPEND, include_in_schema=False)
async def resume_page(access: OpenAccess) -> Response[Any]:
    return await _act(access, resume_client(access.session, reason="resumed", now=access.now))


ADMINISTRATION_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    people_page,
    sign_out_person,
    take_role_page,
    suspend_page,
    resume_page,
)


async def _act(access: Access, act: Awaitable[object]) -> Response[Any]:
    """Back to the page; with the reason when the act was refused."""
    try:
        async with savepoint(access.session):
            await act
    except (Conflict, Forbidden) as refusal:
        return await _people(access, refusal)
    return Redirect(f"{_root(access)}/people", status_code=303, headers=dict(_HEADERS))


async def _people(access: Access, refusal: DomainError | None = None, *, after: str = "") -> Template:
    people = await list_people(access.session, after=after, limit=_LONGEST_PAGE)
    held = await list_assignments(access.session, access.scope)
    context: Mapping[str, object] = {
        "page": access.page("People"),
        "root": _root(access),
        "rows": [_row(access, person, held.get(str(person.id), set())) for person in people],
        "next": people[-1].email if len(people) == _LONGEST_PAGE else "",
        "client": access.client,
        "may": access.may,
        "me": access.principal.id,
        "refusal": refusal,
    }
    status = 200 if refusal is None else int(refusal.status)
    return Template("tenants/people.html", context=dict(context), status_code=status, headers=dict(_HEADERS))


def _row(access: Access, person: Person, held: set[str]) -> PersonRow:
    givable = givable_roles(access.principal, in_house=access.client is None)
    may = access.may(PolicyPermission.ASSIGN_ROLE) and person.id != access.principal.id
    return PersonRow(person, tuple((role, spoken_role(role), may and role in givable) for role in sorted(held)))


def _root(access: Access) -> str:
    return "" if access.client is None else f"/clients/{access.client.slug}"
