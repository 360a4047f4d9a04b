"""Errors of governance."""

from http import HTTPStatus

from foundation.errors import Conflict, DomainError
from foundation.marks import N_


class NothingToReplay(Conflict):
    code = "nothing-to-replay"
    title = N_("There is nothing to replay")


class NothingToChange(Conflict):
    code = "nothing-to-change"
    title = N_("This value is already approved or pending")


class NotAwaiting(Conflict):
    code = "not-awaiting"
    title = N_("This change is not awaiting approval")


class ApprovalOutdated(Conflict):
    """The data behind an approval is not what was displayed when it was answered."""

    code = "approval-outdated"
    title = N_("This has changed since you opened it")


class NothingToRollBack(Conflict):
    code = "nothing-to-roll-back"
    title = N_("There is no earlier value to restore")


class OwnedByItsSource(DomainError):
    """The element has a connected source of truth and cannot be set by hand."""

    status = HTTPStatus.CONFLICT
    code = "owned-by-its-source"
    title = N_("This is set in its source of truth")
