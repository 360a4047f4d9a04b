"""Labels of actors other than members, by their stored name."""

from collections.abc import Mapping
from typing import Final

from foundation.i18n.localizer import translate
from foundation.marks import N_

PAYMENT_PROVIDER: Final = "payment-provider"
"""Actor of reports by a payment provider, regardless of who records them."""
ACTOR_LABELS: Final[Mapping[str, str]] = {
    "worker": N_("Automatic"),
    "setup": N_("Set-up"),
    "sign-in": N_("Sign-in page"),
    "reconnect-link": N_("Reconnect link"),
    PAYMENT_PROVIDER: N_("Payment provider"),
}


def write_actor(name: str) -> str:
    """The label in the reader's language; a member's name as it is."""
    return translate(ACTOR_LABELS[name]) if name in ACTOR_LABELS else name
