"""Errors of the billing room."""

from foundation.errors import Conflict, InvalidInput
from foundation.marks import N_


class PeriodClosed(Conflict):
    code = "period-closed"
    title = N_("This period is closed")


class PartyMissing(Conflict):
    code = "party-missing"
    title = N_("Details of the seller or the buyer are missing")


class PriceNotAllowed(InvalidInput):
    code = "price-not-allowed"
    title = N_("This price cannot be set")


class PastIsFixed(Conflict):
    code = "past-is-fixed"
    title = N_("A price cannot be changed for the past")


class MspAccountNotBilled(InvalidInput):
    code = "msp-account-not-billed"
    title = N_("Only a client's usage is rated")
