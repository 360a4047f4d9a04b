"""Labels of the actors that are no members, by the name that is stored of them."""

from collections.abc import Mapping
from typing import Final

from foundation.i18n.localizer import translate
from foundation.marks import N_

PAYMENT_PROVIDER: Final = "payment-provider"
"""For what a payment provider reported, whoever recorded it."""
ACTOR_LABELS: Final[Mapping[str, str]] = {
    "worker": N_("Automatic"),
    "setup": N_("Set-up"),
    "sign-in": N_("Sign-in page"),
    PAYMENT_PROVIDER: N_("Payment provider"),
}


def write_actor(name: str) -> str:
    """The label in the reader's language; a member's name as it is."""
    return translate(ACTOR_LABELS[name]) if name in ACTOR_LABELS else name
