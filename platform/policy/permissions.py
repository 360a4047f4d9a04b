"""Permissions of this room, and the single function that enforces a permission."""

from enum import StrEnum

from policy.conditions import Facts
from policy.errors import PermissionRefused
from policy.index import PermissionAnswer, PolicyIndex, Subjects, may


class PolicyPermission(StrEnum):
    READ_POLICY = "policy:read"
    PUBLISH_POLICY = "policy:publish"
    ASSIGN_ROLE = "role:assign"
    READ_APPROVALS = "approval:read"
    DECIDE_APPROVAL = "approval:decide"


def require_permission(
    index: PolicyIndex, subjects: Subjects, permission: str, *, ctx: Facts | None = None
) -> PermissionAnswer:
    """Require a permission. `permission` is "object:act", as in every room's permission enums.

    Raises:
        PermissionRefused: no rule allows it, or one denies it.
    """
    obj, _, act = permission.partition(":")
    answer = may(index, subjects, obj, act, ctx or {})
    if not answer.allowed:
        raise PermissionRefused(
            "Your role does not allow this. Ask an administrator of this account for it.", permission=permission
        )
    return answer
