"""Parsing of requests: users, and changes of users and groups (RFC 7644 §3.5.2), in the forms that providers send.

Names of attributes and operations are compared without case. `active` may be a text. Attributes that are not stored
here are ignored, because providers send whole profiles.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tenants.scim.errors import ScimRefusal, invalid

PATCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_ATTRIBUTES: Final = {one.lower(): one for one in ("userName", "displayName", "externalId", "active", "name")}
_NAME_PARTS: Final = {one.lower(): one for one in ("formatted", "givenName", "familyName")}
_FIXED: Final = {"id", "meta", "schemas"}
_PATH: Final = re.compile(
    r"(?:urn:ietf:params:scim:schemas:core:2\.0:(?:User|Group):)?"
    r"([A-Za-z$][\w$-]*)(\[[^\]]*\])?(?:\.([A-Za-z$][\w$-]*))?",
    re.ASCII | re.IGNORECASE,
)
_EXTENSION: Final = re.compile(r"urn:[\w:.-]+", re.ASCII | re.IGNORECASE)
_ONE_MEMBER: Final = re.compile(r'\s*value\s+eq\s+"([^"\\]*)"\s*', re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST: Final = 500
_MOST_OPERATIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class UserForm:
    """A user as the provider sent it. `attributes` are `displayName` and `name`, unchanged."""

    user_name: str
    active: bool
    external_id: str | None
    attributes: dict[str, Any]

    @property
    def shown_name(self) -> str:
        """Name for display; empty if the provider sent none."""
        name: Mapping[str, str] = self.attributes.get("name", {})
        parts = " ".join(name[one] for one in ("givenName", "familyName") if name.get(one))
        return self.attributes.get("displayName") or name.get("formatted") or parts


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is None for an operation on the resource."""

    op: str
    path: str | None
    value: Any


@dataclass(frozen=True, slots=True)
class MemberChange:
    """`ids` is None for all members of the group. `op` is add, remove or replace."""

    op: str
    ids: list[str] | None


def read_object(body: Any) -> dict[str, Any]:
    """Raises: ScimRefusal."""
    if not isinstance(body, dict):
        raise invalid("The body is not a JSON object.", "invalidSyntax")
    return body


def read_user(body: Mapping[str, Any]) -> UserForm:
    """Raises: ScimRefusal."""
    given = {_ATTRIBUTES[key.lower()]: value for key, value in body.items() if key.lower() in _ATTRIBUTES}
    user_name, external_id = _text(given.get("userName"), "userName"), _text(given.get("externalId"), "externalId")
    if not user_name:
        raise invalid("userName is required. It is the member's e-mail address.")
    name, display = given.get("name") or {}, _text(given.get("displayName"), "displayName")
    if not isinstance(name, dict):
        raise invalid("name is not an object.")
    parts = {
        _NAME_PARTS[key.lower()]: text
        for key, value in name.items()
        if key.lower() in _NAME_PARTS and (text := _text(value, f"name.{key}"))
    }
    attributes: dict[str, Any] = ({"displayName": display} if display else {}) | ({"name": parts} if parts else {})
    active = given.get("active")
    return UserForm(user_name, True if active is None else _flag(active), external_id or None, attributes)


def read_operations(body: Mapping[str, Any]) -> list[Operation]:
    """Raises: ScimRefusal."""
    given = {key.lower(): value for key, value in body.items()}
    found = given.get("operations")
    if PATCH_SCHEMA not in (given.get("schemas") or ()) or not isinstance(found, list) or not found:
        raise invalid(f"The body is not a {PATCH_SCHEMA} with operations.", "invalidSyntax")
    if len(found) > _MOST_OPERATIONS:
        raise ScimRefusal(413, f"A request has at most {_MOST_OPERATIONS} operations.")
    return [_read_operation(one) for one in found]


def patch_user(current: Mapping[str, Any], operations: Sequence[Operation]) -> UserForm:
    """`current` has the writable attributes. Raises: ScimRefusal."""
    changed: dict[str, Any] = dict(current) | {"name": dict(current.get("name") or {})}
    for one in operations:
        if one.path is None:
            for key, value in read_object(one.value).items():
                if key.lower() not in _FIXED:  # providers repeat the id
                    _set(changed, key, value)
        elif one.op == "remove":
            _remove(changed, one.path)
        else:
            _set(changed, one.path, one.value)
    return read_user(changed)


def read_member_changes(operations: Sequence[Operation], label: str) -> Iterator[MemberChange]:
    """`label` is the group's name, which cannot be changed. Raises: ScimRefusal."""
    for one in operations:
        if one.path is None:
            given = {key.lower(): value for key, value in read_object(one.value).items()}
            require_label(given.get("displayname", label), label)
            if "members" in given:
                yield MemberChange(one.op, read_members(given["members"]))
            continue
        attribute, selector, _ = _parts(one.path)
        if attribute == "displayname" and one.op != "remove":
            require_label(one.value, label)
        elif attribute == "members":
            yield _member_change(one, selector)
        elif attribute in {"id", "displayname"}:
            raise invalid(f"{one.path} cannot be changed.", "mutability")


def read_members(value: Any) -> list[str]:
    """Ids of `members`. Raises: ScimRefusal."""
    listed = value if isinstance(value, list) else [] if value is None else [value]
    found = [one.get("value") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(one, str) for one in found):
        raise invalid("A member is an object with the id of a user as its value.")
    return [str(one) for one in found]


def require_label(given: Any, label: str) -> None:
    if given != label:
        raise invalid("displayName is the name of a role, which cannot be changed here.", "mutability")


def _member_change(one: Operation, selector: str) -> MemberChange:
    if selector:
        match = _ONE_MEMBER.fullmatch(selector[1:-1])
        if match is None or one.op != "remove":
            raise invalid('Members are chosen as in members[value eq "id"], to be removed.', "invalidPath")
        return MemberChange("remove", [match[1]])
    if one.op == "remove" and one.value is None:
        return MemberChange("remove", None)
    return MemberChange(one.op, read_members(one.value))


def _read_operation(given: Any) -> Operation:
    fields = {key.lower(): value for key, value in read_object(given).items()}
    op, path, value = str(fields.get("op", "")).lower(), fields.get("path"), fields.get("value")
    if op not in {"add", "remove", "replace"}:
        raise invalid("An operation is add, remove or replace.", "invalidSyntax")
    if path is not None and not isinstance(path, str):
        raise invalid("The path is not a text.", "invalidPath")
    if not path and op == "remove":
        raise invalid("Removing needs a path.", "noTarget")
    if op != "remove" and "value" not in fields:
        raise invalid("Adding and replacing need a value.")
    return Operation(op, path or None, value)


def _set(changed: dict[str, Any], path: str, value: Any) -> None:
    attribute, selector, part = _parts(path)
    if attribute in _FIXED:
        raise invalid(f"{path} cannot be changed.", "mutability")
    name = _ATTRIBUTES.get(attribute)
    if name is None or selector:
        return
    if name == "name":
        given = {part: value} if part else read_object(value)
        changed["name"] |= {_NAME_PARTS[key.lower()]: one for key, one in given.items() if key.lower() in _NAME_PARTS}
    elif part:
        raise invalid(f"{name} has no parts.", "invalidPath")
    else:
        changed[name] = value


def _remove(changed: dict[str, Any], path: str) -> None:
    attribute, selector, part = _parts(path)
    if attribute in _FIXED | {"username", "active"}:
        raise invalid(f"{path} cannot be removed.", "mutability")
    name = _ATTRIBUTES.get(attribute)
    if name is None or selector:
        return
    if name == "name" and part:
        changed["name"].pop(_NAME_PARTS.get(part.lower(), ""), None)
    else:
        changed[name] = {} if name == "name" else None


def _parts(path: str) -> tuple[str, str, str]:
    """Attribute in small letters, selector in brackets, sub-attribute. All empty for an extension's attribute."""
    match = _PATH.fullmatch(path)
    if match is not None:
        return match[1].lower(), match[2] or "", match[3] or ""
    if _EXTENSION.fullmatch(path):
        return "", "", ""
    raise invalid("The path is not valid.", "invalidPath")


def _text(value: Any, name: str) -> str:
    """Empty for none. Raises: ScimRefusal."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST or _CONTROL.search(value):
        raise invalid(f"{name[:40]} is not a text of at most {_LONGEST} characters.")
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    raise invalid("active is true or false.")
