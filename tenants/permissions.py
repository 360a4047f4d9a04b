"""This room's permissions, as the packaged roles in `policy` name them."""

from enum import StrEnum


class TenantPermission(StrEnum):
    READ_FLEET = "fleet:read"
    READ_CLIENTS = "tenant:read"
    CREATE_CLIENT = "tenant:create"
    SUSPEND_CLIENT = "tenant:suspend"
    READ_PEOPLE = "user:read"
    INVITE_PEOPLE = "user:invite"
    READ_API_KEYS = "api_key:read"
    WRITE_API_KEYS = "api_key:write"
