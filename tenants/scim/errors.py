"""Errors in the form of RFC 7644 §3.12."""

from typing import Any, Final

from foundation.errors import DomainError, InvalidInput
from tenants.errors import EmailTaken

ERROR_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimRefusal(Exception):
    """`scim_type` is one of RFC 7644, table 9; empty where it has none."""

    def __init__(self, status: int, detail: str, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status, self.scim_type = status, scim_type


def invalid(detail: str, scim_type: str = "invalidValue") -> ScimRefusal:
    return ScimRefusal(400, detail, scim_type)


def not_found() -> ScimRefusal:
    return ScimRefusal(404, "This account has no such resource.")


def refusal_of(error: DomainError) -> ScimRefusal:
    """A domain error in the form of SCIM."""
    if isinstance(error, InvalidInput):
        return invalid(error.detail)
    return ScimRefusal(int(error.status), error.detail, "uniqueness" if isinstance(error, EmailTaken) else "")


def error_body(refusal: ScimRefusal) -> dict[str, Any]:
    kind = {"scimType": refusal.scim_type} if refusal.scim_type else {}
    return {"schemas": [ERROR_SCHEMA], "status": str(refusal.status), "detail": str(refusal)} | kind
