"""Errors of policy and approvals."""

from http import HTTPStatus

from foundation.errors import Conflict, DomainError, Forbidden, InvalidInput
from foundation.marks import N_


class InvalidRule(InvalidInput):
    code = "invalid-policy-rule"
    title = N_("This policy rule cannot be used")


class PermissionRefused(Forbidden):
    code = "permission-refused"


class RoleNotAssignable(Forbidden):
    code = "role-not-assignable"
    title = N_("This role cannot be assigned here")


class RoleInUse(Conflict):
    code = "role-in-use"
    title = N_("Somebody has this role")


class RoleNameTaken(Conflict):
    code = "role-name-taken"
    title = N_("This name is in use")


class ContentNotBindable(DomainError):
    """The content of an approval needs a canonical form; floats and unknown types have none."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "content-not-bindable"
    title = N_("This content cannot be represented exactly")


class OwnApproval(Forbidden):
    code = "own-approval"
    title = N_("Another member must decide")


class NotAnApprover(Forbidden):
    code = "not-an-approver"
    title = N_("Somebody with another role must answer")


class AlreadyApproved(Conflict):
    code = "already-approved"
    title = N_("Another member must approve too")


class ApprovalNotPending(Conflict):
    code = "approval-not-pending"
    title = N_("This approval has already been decided")


class ApprovalExpired(Conflict):
    code = "approval-expired"
    title = N_("This approval has expired")
