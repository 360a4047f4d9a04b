"""Permissions of this room, and the single function that enforces a permission."""

from foundation.marks import N_
from foundation.permissions import Permission
from policy.conditions import Facts
from policy.errors import PermissionRefused
from policy.index import PermissionAnswer, PolicyIndex, Subjects, may


class PolicyPermission(Permission, heading=N_("Rules, approvals and roles")):
    READ_POLICY = "policy:read", N_("Read the policy")
    DRAFT_POLICY = "policy:draft", N_("Draft changes of the policy")
    PUBLISH_POLICY = "policy:publish", N_("Publish the policy")
    ASSIGN_ROLE = "role:assign", N_("Assign and remove roles")
    WRITE_ROLES = "role:write", N_("Create and change roles")
    DECIDE_APPROVAL = "approval:decide", N_("Answer approvals")


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
            N_("Your role does not allow this. Ask an administrator of this account for it."), permission=permission
        )
    return answer
