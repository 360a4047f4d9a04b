"""Resources with special behaviour. Importing a module registers its operations."""

from tests.support.stripe_fake.resources import (
    accounts,
    catalog,
    checkout,
    customers,
    invoices,
    meters,
    payments,
    refunds,
    taxes,
)

MODULES = (accounts, catalog, checkout, customers, invoices, meters, payments, refunds, taxes)
