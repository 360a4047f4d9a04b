"""Errors of delegated access."""

from foundation.errors import Forbidden
from foundation.marks import N_


class AccessNeeded(Forbidden):
    """The client admits staff on request only, and grants the caller no access now."""

    code = "access-needed"
    title = N_("Ask this client for access")

    def __init__(self, slug: str) -> None:
        super().__init__(
            N_("This client admits your MSP's members for a limited time and on request only."),
            request_access=f"/clients/{slug}/access/request",
        )


class OnlyTheClient(Forbidden):
    code = "only-the-client"
    title = N_("Only the client decides this")

    def __init__(self) -> None:
        super().__init__(N_("Only members of the client itself decide who of the service provider's staff enters it."))
