"""The service of SCIM on each brand's host, `/scim/v2`. One handler, so that every refusal has the form of SCIM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Request, Response, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from branding.hosts import public_origin
from branding.pages import ShownBrand
from foundation.decoding import decode_json
from foundation.errors import DomainError
from foundation.web.boundary import single_header
from foundation.web.requests import FORM_BYTES
from tenants.auth.pages import OpenAuth, msp_of
from tenants.permissions import TenantPermission
from tenants.scim import answers, description, forms, groups, users
from tenants.scim.caller import ScimCaller, find_caller
from tenants.scim.errors import ScimRefusal, error_body, invalid, not_found, refusal_of
from tenants.scim.filters import read_filter

AnyRequest = Request[Any, Any, Any]
_MEDIA: Final = "application/scim+json"
_ACCEPTED: Final = {"", "application/scim+json", "application/json"}
_METHODS: Final = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]
_USUAL_COUNT: Final = 100
_HIGHEST_START: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Call:
    """A request of a known caller. `kind` is the media type of `raw`."""

    caller: ScimCaller
    method: str
    query: Mapping[str, str]
    kind: str
    raw: bytes

    def body(self) -> dict[str, Any]:
        """Raises: ScimRefusal."""
        if self.kind not in _ACCEPTED:
            raise ScimRefusal(415, f"Send {_MEDIA}.")
        try:
            return forms.read_object(decode_json(self.raw))
        except msgspec.DecodeError:
            raise invalid("The body is not JSON.", "invalidSyntax") from None

    def shown(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return answers.pick(body, self.query.get("attributes", ""), self.query.get("excludedAttributes", ""))

    def allow(self, *methods: str) -> None:
        if self.method not in methods:
            raise ScimRefusal(405, f"The methods here are {', '.join(methods)}.")


@route(
    "/scim/v2/{rest:path}",
    http_method=_METHODS,
    opt={"public": True},
    include_in_schema=False,
    request_max_body_size=FORM_BYTES,
)
async def serve_scim(request: AnyRequest, brand: ShownBrand, auth: OpenAuth, rest: FromPath[str]) -> Response[Any]:
    """Users, groups and the description of the service. The body is read once the caller is known."""
    try:
        base = f"{public_origin(request.scope)}/scim/v2"
        authorization = single_header(request.scope, b"authorization")
        caller = await find_caller(auth, msp_id=msp_of(brand), authorization=authorization, base=base)
        kind = single_header(request.scope, b"content-type").partition(";")[0].strip().lower()
        call = _Call(caller, request.method, request.query_params, kind, await request.body())
        async with auth.db.transaction(caller.scope) as session:
            return await _dispatch(session, call, [part for part in str(rest).split("/") if part])
    except ScimRefusal as refusal:
        return _refused(refusal)
    except DomainError as error:
        wait = {"Retry-After": str(error.extra["retry_after"])} if "retry_after" in error.extra else {}
        return _refused(refusal_of(error), wait)


async def _dispatch(session: AsyncSession, call: _Call, parts: list[str]) -> Response[Any]:
    match parts:
        case ["Users"]:
            return await _users(session, call)
        case [".search"] | [_, ".search"]:
            raise ScimRefusal(501, "Search by GET, with a filter.")
        case ["Users", user_id]:
            return await _user(session, call, user_id)
        case ["Groups"]:
            return await _groups(session, call)
        case ["Groups", role]:
            return await _group(session, call, role)
        case ["ServiceProviderConfig"]:
            call.allow("GET")
            return _answer(description.service_config(call.caller.base))
        case ["ResourceTypes" | "Schemas" as kind, *one] if len(one) <= 1:
            return _describe(call, kind, one)
    raise not_found()


async def _users(session: AsyncSession, call: _Call) -> Response[Any]:
    call.allow("GET", "POST")
    if call.method == "POST":
        created = await users.create_user(session, call.caller, forms.read_user(call.body()))
        user = await users.get_user(session, str(created))
        return _answer(_shown_user(call, user), 201, {"Location": f"{call.caller.base}/Users/{created}"})
    _require_read(call.caller)
    wanted = read_filter(call.query["filter"], users.USER_FILTERS) if call.query.get("filter") else {}
    start, most = _page(call.query)
    total, found = await users.list_users(session, wanted, start=start, most=most)
    return _answer(answers.list_body([_shown_user(call, one) for one in found], total=total, start=start))


async def _user(session: AsyncSession, call: _Call, user_id: str) -> Response[Any]:
    call.allow("GET", "PUT", "PATCH", "DELETE")
    _require_read(call.caller)
    user = await users.get_user(session, user_id, lock=call.method != "GET")
    if call.method == "DELETE":
        await users.remove_user(session, call.caller, user)
        return _empty()
    if call.method != "GET":
        body = call.body()
        current = answers.writable_part(user.member, user.profile)
        replaced = call.method == "PUT"
        form = forms.read_user(body) if replaced else forms.patch_user(current, forms.read_operations(body))
        if form != forms.read_user(current):
            await users.change_user(session, call.caller, user, form)
            user = await users.get_user(session, user_id)
    return _answer(_shown_user(call, user))


async def _groups(session: AsyncSession, call: _Call) -> Response[Any]:
    call.allow("GET", "POST")
    _require_read(call.caller)
    if call.method == "POST":
        name = str(call.body().get("displayName", ""))
        if await groups.list_groups(session, call.caller, {"displayName": name}):
            raise ScimRefusal(409, "This group exists.", "uniqueness")
        raise ScimRefusal(501, "Groups are the roles of the account. They are created there.")
    wanted = read_filter(call.query["filter"], groups.GROUP_FILTERS) if call.query.get("filter") else {}
    start, most = _page(call.query)
    found = await groups.list_groups(session, call.caller, wanted)
    shown = [_shown_group(call, one) for one in found[start - 1 : start - 1 + most]]
    return _answer(answers.list_body(shown, total=len(found), start=start))


async def _group(session: AsyncSession, call: _Call, role: str) -> Response[Any]:
    call.allow("GET", "PUT", "PATCH", "DELETE")
    _require_read(call.caller)
    group = await groups.get_group(session, call.caller, role)
    if call.method == "DELETE":
        raise ScimRefusal(501, "Groups are the roles of the account. They are deleted there.")
    if call.method != "GET":
        body = call.body()
        if call.method == "PUT":
            forms.require_label(body.get("displayName", group.label), group.label)
            changes = [forms.MemberChange("replace", forms.read_members(body.get("members")))]
        else:
            changes = list(forms.read_member_changes(forms.read_operations(body), group.label))
        await groups.change_members(session, call.caller, group, changes)
        group = await groups.get_group(session, call.caller, role)
    return _answer(_shown_group(call, group))


def _describe(call: _Call, kind: str, one: list[str]) -> Response[Any]:
    call.allow("GET")
    make = description.resource_types if kind == "ResourceTypes" else description.schemas
    known = make(call.caller.base)
    if not one:
        return _answer(answers.list_body(known, total=len(known)))
    found = next((each for each in known if each["id"] == one[0]), None)
    if found is None:
        raise not_found()
    return _answer(found)


def _shown_user(call: _Call, user: users.FoundUser) -> dict[str, Any]:
    return call.shown(answers.user_body(user.member, user.profile, call.caller.base))


def _shown_group(call: _Call, group: groups.FoundGroup) -> dict[str, Any]:
    return call.shown(answers.group_body(group.role, group.label, group.members, call.caller.base))


def _require_read(caller: ScimCaller) -> None:
    if caller.owner is not None:
        caller.owner.require(TenantPermission.READ_MEMBERS)


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    """Number of the first resource, from 1, and size of the page. Lower values are raised to the least allowed one
    (RFC 7644 §3.4.2.4).
    """
    start, most = _number(query, "startIndex", 1), _number(query, "count", _USUAL_COUNT)
    return min(max(start, 1), _HIGHEST_START), min(max(most, 0), description.MOST_RESULTS)


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    given = query.get(name, "")
    if not given:
        return usual
    if len(given) > 10 or not given.removeprefix("-").isdecimal():
        raise invalid(f"{name} is not a number.")
    return int(given)


def _refused(refusal: ScimRefusal, more: Mapping[str, str] = {}) -> Response[Any]:
    realm = {"WWW-Authenticate": 'Bearer realm="scim"'} if refusal.status == 401 else {}
    return _answer(error_body(refusal), refusal.status, realm | dict(more))


def _answer(body: Mapping[str, Any], status: int = 200, more: Mapping[str, str] = {}) -> Response[Any]:
    return Response(
        msgspec.json.encode(body), status_code=status, media_type=_MEDIA, headers={"Cache-Control": "no-store", **more}
    )


def _empty() -> Response[Any]:
    return Response(None, status_code=204, headers={"Cache-Control": "no-store"})
