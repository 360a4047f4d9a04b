"""Payment providers and their environments."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from foundation.marks import N_


class ProviderKind(StrEnum):
    MANUAL = "manual"
    """Clients pay outside the product, and payments are recorded by members."""
    SANDBOX = "sandbox"
    """A simulated provider, where no money moves: for demonstrations and trials."""
    STRIPE = "stripe"


class PaymentMode(StrEnum):
    """Stripe's environments: in `test` no money moves."""

    TEST = "test"
    LIVE = "live"


PROVIDER_LABELS: Final[Mapping[ProviderKind, str]] = {
    ProviderKind.MANUAL: N_("Outside the product"),
    ProviderKind.SANDBOX: N_("Sandbox: no money moves"),
    ProviderKind.STRIPE: N_("Stripe"),
}
MODE_LABELS: Final[Mapping[PaymentMode, tuple[str, str]]] = {
    PaymentMode.TEST: (N_("Test"), "info"),
    PaymentMode.LIVE: (N_("Live"), "ok"),
}
"""Label and kind of the badge."""
