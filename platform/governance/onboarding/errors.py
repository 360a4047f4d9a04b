"""Errors of this slice."""

from foundation.errors import Conflict
from foundation.marks import N_


class NotReady(Conflict):
    """A check of the go-live checklist neither passes nor is waived."""

    code = "not-ready"
    title = N_("The client is not ready to go live")


class AlreadyLive(Conflict):
    code = "already-live"
    title = N_("The client is live already")
