"""This room's permissions, as named by the packaged roles in `policy`."""

from enum import StrEnum
from typing import Final

from policy.permissions import PolicyPermission


class TenantPermission(StrEnum):
    READ_FLEET = "fleet:read"
    READ_CLIENTS = "tenant:read"
    CREATE_CLIENT = "tenant:create"
    SUSPEND_CLIENT = "tenant:suspend"
    READ_MEMBERS = "member:read"
    INVITE_MEMBERS = "member:invite"
    READ_API_KEYS = "api_key:read"
    WRITE_API_KEYS = "api_key:write"


MANAGES_ACCESS: Final = frozenset({
    TenantPermission.INVITE_MEMBERS,
    TenantPermission.WRITE_API_KEYS,
    PolicyPermission.ASSIGN_ROLE,
    PolicyPermission.PUBLISH_POLICY,
})  # fmt: skip
"""Permissions to manage access. Denied to API keys, except those created for it (`ApiKey.manages_access`)."""
