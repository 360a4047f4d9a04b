"""Refusals of the branding room."""

from foundation.errors import InvalidInput


class InvalidTheme(InvalidInput):
    code = "invalid-theme"
    title = "The theme cannot be used"

    def __init__(self, token: str, problem: str) -> None:
        super().__init__(f"{token}: {problem}", token=token)
        self.token = token


class MissingAsset(RuntimeError):
    """A browser file was not built; a fault of the deployment, not of a request."""
