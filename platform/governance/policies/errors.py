"""Errors of drafts and replays."""

from foundation.errors import Conflict, Forbidden
from foundation.marks import N_


class OwnDraft(Forbidden):
    code = "own-draft"
    title = N_("Another member must publish")


class DraftChanged(Conflict):
    code = "draft-changed"
    title = N_("The draft has changed")


class NothingDrafted(Conflict):
    code = "nothing-drafted"
    title = N_("There is no change to publish")


class LockedRule(Conflict):
    code = "locked-rule"
    title = N_("This rule cannot be changed here")
