"""Errors of the branding room."""

from collections.abc import Mapping

from foundation.errors import Conflict, InvalidInput, NotFound
from foundation.marks import N_


class InvalidTheme(InvalidInput):
    code = "invalid-theme"
    title = N_("The theme cannot be used")

    def __init__(self, token: str, problem: str, *, params: Mapping[str, object] | None = None) -> None:
        super().__init__(problem, params={"token": token, **(params or {})}, token=token)
        self.token = token
        self.problem = problem


class InvalidImage(InvalidInput):
    code = "invalid-image"
    title = N_("The image cannot be used")

    def __init__(self, problem: str, *, params: Mapping[str, object] | None = None) -> None:
        super().__init__(problem, params=params, field="file")


class MissingAsset(RuntimeError):
    """A browser file was not built: a fault of the deployment, not of a request."""


class UnknownHost(NotFound):
    title = N_("There is no page at this address")

    def __init__(self) -> None:
        super().__init__(N_("No site uses this address. Check it, or ask the people who gave it to you."))


class HostTaken(Conflict):
    code = "host-taken"
    title = N_("The host name is in use")

    def __init__(self, host: str) -> None:
        super().__init__(
            N_("{host} already shows another brand. Remove it there first."), params={"host": host}, host=host
        )
