"""What has a behaviour of its own. Importing a module registers its operations."""

from tests.support.stripe_fake.resources import (
    accounts,
    catalog,
    checkout,
    customers,
    invoices,
    meters,
    payments,
    refunds,
)

MODULES = (accounts, catalog, checkout, customers, invoices, meters, payments, refunds)
