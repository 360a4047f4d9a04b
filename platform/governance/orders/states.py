"""States of orders as people and programs see them."""

from foundation.codes import LabelledCode
from foundation.marks import N_


class FulfilmentState(LabelledCode):
    """The system that fulfils the order reports all but the first two."""

    HELD = "held", N_("Not passed on")
    """Policy has not released the order to the system that fulfils it."""
    RELEASED = "released", N_("Passed on")
    OPEN = "open", N_("Open")
    CONFIRMED = "confirmed", N_("Confirmed")
    ALLOCATED = "allocated", N_("Allocated")
    SHIPPED = "shipped", N_("Shipped")
    DELIVERED = "delivered", N_("Delivered")
    CANCELLED = "cancelled", N_("Cancelled")
    RETURNED = "returned", N_("Returned")
