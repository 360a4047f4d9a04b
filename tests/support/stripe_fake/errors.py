"""Errors in Stripe's format."""

from typing import Any


class Refused(Exception):
    """A refusal. `kind` is Stripe's `type`, by which the SDK chooses the exception."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        kind: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message, "param": param, **more}}


def missing(kind: str, id_: str, param: str = "id") -> Refused:
    return Refused(404, "resource_missing", f"No such {kind}: '{id_}'", param=param)


def invalid(code: str, message: str, param: str | None = None) -> Refused:
    return Refused(400, code, message, param=param)
