"""Step-up: dangerous actions need a proof of identity that is at most ten minutes old.

A route declares it with `STEP_UP` in its options. A proof is a sign-in, or the password, a second factor or a passkey
on the page *Confirm that it is you*. API keys are exempt: no person is present, a key is created by a member with a
recent proof, and its rights are limited by its role (`manages_access`).
"""

from datetime import datetime, timedelta
from typing import Final

from foundation.errors import Forbidden
from foundation.marks import N_
from tenants.auth.sessions import Session

STEP_UP: Final = {"step_up": True}
"""Option of a route whose act needs a recent proof."""
OPTION: Final = "step_up"
RECENT: Final = timedelta(minutes=10)
CONFIRM_PATH: Final = "/confirm"


class StepUpRequired(Forbidden):
    """Pages answer with the page that asks for a proof, and return to the action."""

    code = "step-up-required"
    title = N_("Confirm that it is you")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "This needs a recent proof that it is you. Open {page} on this host in a browser, then repeat the "
                "request."
            ),
            params={"page": CONFIRM_PATH},
            confirm_at=CONFIRM_PATH,
        )


def require_recent_proof(session: Session | None, now: datetime) -> None:
    """`session` is None for API keys.

    Raises:
        StepUpRequired: the latest proof is too old.
    """
    if session is not None and not timedelta(0) <= now - session.proved_at < RECENT:
        raise StepUpRequired
