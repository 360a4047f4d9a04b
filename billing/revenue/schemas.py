"""Structs of revenue for pages, commands and the API. Amounts are exact, in major units, before tax."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

import msgspec

from foundation.codes import LabelledCode
from foundation.marks import N_


class RevenueBasis(LabelledCode):
    RECURRING = "recurring", N_("Recurring revenue")
    INVOICED = "invoiced", N_("All that was invoiced")


class MovementKind(LabelledCode):
    NEW = "new", N_("New")
    EXPANSION = "expansion", N_("Expansion")
    CONTRACTION = "contraction", N_("Contraction")
    LOST = "lost", N_("Lost")


class ClientMovement(msgspec.Struct, frozen=True, kw_only=True):
    """Change of a client's revenue, by the basis, from the month before."""

    client_id: UUID
    currency: str
    kind: MovementKind
    before: Decimal
    now: Decimal
    change: Decimal


class MonthRevenue(msgspec.Struct, frozen=True, kw_only=True):
    """A month in one currency. `invoiced` is net of credit notes: `recurring_invoiced`, `usage` and `other` (one-off
    charges, discounts, service credits). `recurring` (MRR) spreads a fee of several months over them. `new` to `lost`
    are changes of the basis by client; the last two are negative. `churn` is lost plus contracted revenue, by the
    revenue of the month before; `client_churn` the lost clients, by the number of clients then; null without any.
    """

    month: str
    currency: str
    invoiced: Decimal
    recurring_invoiced: Decimal
    usage: Decimal
    other: Decimal
    recurring: Decimal
    new: Decimal
    expansion: Decimal
    contraction: Decimal
    lost: Decimal
    clients: int
    lost_clients: int
    churn: Decimal | None
    client_churn: Decimal | None


class OutstandingAmount(msgspec.Struct, frozen=True, kw_only=True):
    """Unpaid amounts with tax, by days since they were due; of all clients, or of one."""

    client_id: UUID | None
    currency: str
    not_due: Decimal
    days_0_30: Decimal
    days_31_60: Decimal
    days_61_90: Decimal
    days_over_90: Decimal
    total: Decimal


class DeferredAmount(msgspec.Struct, frozen=True):
    """Invoiced until the end of the month for service after it."""

    currency: str
    amount: Decimal


class RevenueReport(msgspec.Struct, frozen=True, kw_only=True):
    """Revenue until `month`: the last twelve months in order, and the changes of the month by client, losses first.
    `outstanding` is as of now, `drafts` counts invoices of the month that are not finalised and count all the same.
    """

    month: str
    basis: RevenueBasis
    months: Sequence[MonthRevenue]
    movements: Sequence[ClientMovement]
    outstanding: Sequence[OutstandingAmount]
    outstanding_clients: Sequence[OutstandingAmount]
    deferred: Sequence[DeferredAmount]
    drafts: int
