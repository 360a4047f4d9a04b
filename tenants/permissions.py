"""This room's permissions, as named by the packaged roles in `policy`."""

from typing import Final

from foundation.marks import N_
from foundation.permissions import Permission
from policy.permissions import PolicyPermission


class TenantPermission(Permission, heading=N_("Clients, members and brands")):
    READ_CLIENTS = "tenant:read", N_("Read clients")
    CREATE_CLIENT = "tenant:create", N_("Create and change clients")
    SUSPEND_CLIENT = "tenant:suspend", N_("Suspend and resume clients")
    READ_MEMBERS = "member:read", N_("Read members")
    INVITE_MEMBERS = "member:invite", N_("Invite and suspend members")
    IMPERSONATE = "member:impersonate", N_("View a client's pages as one of its members")
    REQUEST_ACCESS = "access:request", N_("Request access to clients")
    READ_ACCESS = "access:read", N_("See who of the service provider has access")
    DECIDE_ACCESS = "access:decide", N_("Decide who of the service provider has access")
    READ_NOTIFICATIONS = "notification:read", N_("Read one's own notifications")
    WRITE_NOTIFICATION_DEFAULTS = (
        "notification_default:write",
        N_("Set the notifications of members who have chosen none"),
    )
    WRITE_SIGN_IN_RULES = "sign_in:write", N_("Set how members sign in")
    READ_BRANDS = "brand:read", N_("Read brands")
    WRITE_BRANDS = "brand:write", N_("Change brands and their domains")
    READ_MAILS = "mail:read", N_("Read mails and the mail server")
    WRITE_MAIL_SERVER = "mail:write", N_("Set the mail server and send mails again")
    READ_API_KEYS = "api_key:read", N_("Read API keys")
    WRITE_API_KEYS = "api_key:write", N_("Create and revoke API keys")


MANAGES_ACCESS: Final = frozenset({
    TenantPermission.INVITE_MEMBERS,
    TenantPermission.IMPERSONATE,
    TenantPermission.WRITE_API_KEYS,
    TenantPermission.DECIDE_ACCESS,
    TenantPermission.WRITE_SIGN_IN_RULES,
    PolicyPermission.ASSIGN_ROLE,
    PolicyPermission.WRITE_ROLES,
    PolicyPermission.PUBLISH_POLICY,
})  # fmt: skip
"""Permissions to manage access. Denied to API keys, except those created for it (`ApiKey.manages_access`)."""

HIDDEN_FROM_STAFF: Final = frozenset({TenantPermission.READ_API_KEYS})
"""Permissions to read that staff do not use while they look as a member."""
