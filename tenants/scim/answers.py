"""Response documents: users, groups and lists, with the requested attributes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from tenants.models import Member
from tenants.scim.models import ScimUser
from tenants.states import AccountStatus

USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ALWAYS: Final = {"schemas", "id"}


def user_body(member: Member, profile: ScimUser | None, base: str) -> dict[str, Any]:
    known: Mapping[str, Any] = writable_part(member, profile)
    body = {"schemas": [USER_SCHEMA], "id": str(member.id)}
    body |= {name: value for name, value in known.items() if value not in (None, {})}
    address = {"value": member.email, "type": "work", "primary": True}
    return body | {"emails": [address], "meta": _meta("User", f"{base}/Users/{member.id}", member.created_at)}


def writable_part(member: Member, profile: ScimUser | None) -> dict[str, Any]:
    """Attributes that the provider can write. Without a profile from the provider, the name is the member's."""
    attributes = {"displayName": member.name} if profile is None else dict(profile.attributes)
    return {
        "externalId": None if profile is None else profile.external_id,
        "userName": member.email,
        "active": member.status != AccountStatus.SUSPENDED,
        "displayName": attributes.get("displayName"),
        "name": attributes.get("name", {}),
    }


def group_body(role: str, label: str, members: Mapping[UUID, str], base: str) -> dict[str, Any]:
    listed = [
        {"value": str(one), "$ref": f"{base}/Users/{one}", "display": address, "type": "User"}
        for one, address in sorted(members.items())
    ]
    meta = _meta("Group", f"{base}/Groups/{role}", None)
    return {"schemas": [GROUP_SCHEMA], "id": role, "displayName": label, "members": listed, "meta": meta}


def list_body(found: Sequence[Mapping[str, Any]], *, total: int, start: int = 1) -> dict[str, Any]:
    return {
        "schemas": [LIST_SCHEMA],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": len(found),
        "Resources": list(found),
    }


def pick(body: Mapping[str, Any], attributes: str, excluded: str) -> dict[str, Any]:
    """The chosen attributes (RFC 7644 §3.9); of a part such as `name.givenName`, the attribute that it belongs to."""
    wanted, unwanted = _names(attributes), _names(excluded)
    return {
        name: value
        for name, value in body.items()
        if name in _ALWAYS or (name.lower() in wanted if wanted else name.lower() not in unwanted)
    }


def _names(listed: str) -> Collection[str]:
    bare = (one.strip().lower().removeprefix(f"{schema.lower()}:") for one in listed.split(",")
            for schema in (USER_SCHEMA if ":user" in one.lower() else GROUP_SCHEMA,))  # fmt: skip
    return {one.partition(".")[0] for one in bare if one}


def _meta(kind: str, location: str, created: datetime | None) -> dict[str, Any]:
    at = {} if created is None else {"created": created.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    return {"resourceType": kind, "location": location} | at
