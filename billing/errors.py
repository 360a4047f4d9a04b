"""Errors of the billing room."""

from foundation.errors import Conflict, InvalidInput


class PeriodClosed(Conflict):
    code = "period-closed"
    title = "This period is closed"


class PriceNotAllowed(InvalidInput):
    code = "price-not-allowed"
    title = "This price cannot be set"


class PastIsFixed(Conflict):
    code = "past-is-fixed"
    title = "A price in force cannot be changed for the past"


class HouseIsNotBilled(InvalidInput):
    code = "house-is-not-billed"
    title = "Only a client's usage is rated"
