"""Bodies of the API of roles."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from foundation.web.requests import RequestBody


class RoleInput(RequestBody, frozen=True):
    """`permissions` are codes of `GET …/permissions`."""

    name: str
    permissions: list[str]
    about: str = ""


class RoleView(msgspec.Struct, frozen=True):
    """A role. `id` is assigned to members; `custom` is false for the packaged roles, which do not change. `members`
    counts the members who have the role.
    """

    id: str
    name: str
    about: str
    custom: bool
    permissions: Sequence[str]
    members: int
    changed_at: datetime | None = None
    changed_by: str | None = None


class PermissionView(msgspec.Struct, frozen=True):
    """A permission that roles of the account can have. `held`: the caller has the permission, so may grant it."""

    code: str
    label: str
    group: str
    held: bool
