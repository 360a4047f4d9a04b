"""Labels of environments and of categories of systems."""

from collections.abc import Mapping
from typing import Final

from connectors.manifest import Category
from foundation.marks import N_
from tenants.states import Environment

ENVIRONMENTS: Final[Mapping[Environment, str]] = {
    Environment.LIVE: N_("Live"),
    Environment.SANDBOX: N_("Sandbox"),
}
CATEGORIES: Final[Mapping[Category, str]] = {
    Category.ERP: N_("ERP"),
    Category.SHOP: N_("Shop"),
    Category.MARKETPLACE: N_("Marketplace"),
}
