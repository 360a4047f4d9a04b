"""Parts of this room."""

from pathlib import Path
from typing import Final

import billing.invoices.models
import billing.models
import billing.payments.models
from billing.audit_actions import BillingAction
from billing.balance.slice import SLICE as BALANCE
from billing.client_prices.pages import CLIENT_PRICE_PAGES
from billing.collection.slice import SLICE as COLLECTION
from billing.commands import COMMANDS
from billing.coupons.slice import SLICE as COUPONS
from billing.documents.slice import SLICE as DOCUMENTS
from billing.entitlements.slice import SLICE as ENTITLEMENTS
from billing.events import EVENTS
from billing.exports.slice import SLICE as EXPORTS
from billing.invoices.search import SEARCHED_INVOICES
from billing.jobs import JOB_TYPES, billing_jobs, repair_billing
from billing.legal_entities.slice import SLICE as LEGAL_ENTITIES
from billing.limits.slice import SLICE as LIMITS
from billing.packs.slice import SLICE as PACKS
from billing.pages import PAGES
from billing.payment_account.slice import SLICE as PAYMENT_ACCOUNT
from billing.payment_links.slice import SLICE as PAYMENT_LINKS
from billing.payment_methods.slice import SLICE as PAYMENT_METHODS
from billing.permissions import BillingPermission
from billing.plans.slice import SLICE as PLANS
from billing.price_books.pages import PRICE_PAGES
from billing.profit.slice import SLICE as PROFIT
from billing.retention import RETAINED
from billing.revenue.slice import SLICE as REVENUE
from billing.routes import ROUTES
from billing.simulation.pages import SIMULATION_PAGES
from billing.simulation.routes import SIMULATION_ROUTES
from billing.sla.slice import SLICE as SLA
from billing.subscriptions.slice import SLICE as SUBSCRIPTIONS
from billing.taxes.slice import SLICE as TAXES
from billing.three_way.slice import SLICE as THREE_WAY
from billing.tiles import TILES
from billing.usage.slice import SLICE as USAGE
from billing.vat_checks.slice import SLICE as VAT_CHECKS
from billing.vendor_bills.slice import SLICE as VENDOR_BILLS
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, Room


def _invoices(area: NavArea) -> NavEntry:
    return NavEntry(
        area=area, section=MenuSection.BILLING, position=20, label=N_("Invoices"), path="/invoices", icon="invoice",
        permission=BillingPermission.READ_INVOICES,
    )  # fmt: skip


ROOM: Final = Room(
    name="billing",
    models=(billing.models, billing.invoices.models),
    routes=(*ROUTES, *SIMULATION_ROUTES),
    tiles=TILES,
    search_sources=(SEARCHED_INVOICES,),
    pages=(*PAGES, *PRICE_PAGES, *CLIENT_PRICE_PAGES, *SIMULATION_PAGES),
    folder=Path(__file__).parent,
    navigation=(_invoices(NavArea.MSP), _invoices(NavArea.CLIENT)),
    job_types=JOB_TYPES,
    jobs=lambda services: billing_jobs(services.clock, services.rooms.meters, services.rooms.features),
    events=EVENTS,
    repairs=(repair_billing,),
    permissions=(BillingPermission,),
    audit_actions=(BillingAction,),
    retained=RETAINED,
    commands=COMMANDS,
    slices=(
        LEGAL_ENTITIES,
        PAYMENT_ACCOUNT,
        PAYMENT_METHODS,
        PAYMENT_LINKS,
        COLLECTION,
        TAXES,
        VAT_CHECKS,
        DOCUMENTS,
        EXPORTS,
        USAGE,
        LIMITS,
        COUPONS,
        PLANS,
        SUBSCRIPTIONS,
        ENTITLEMENTS,
        VENDOR_BILLS,
        BALANCE,
        PACKS,
        THREE_WAY,
        SLA,
        PROFIT,
        REVENUE,
    ),
)
