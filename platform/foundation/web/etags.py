"""Entity tags of editable objects: the revision of a row, in `ETag` and `If-Match` (RFC 9110, section 13.1.1).

An edit names the revision that it was made from, so that concurrent edits are not overwritten.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from litestar import Request
from litestar.openapi.spec import OpenAPIResponse, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from foundation.errors import DomainError
from foundation.marks import N_
from foundation.web.api import ActOperation
from foundation.web.boundary import single_header

IF_MATCH: Final = "If-Match"
_TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})(?:-gzip)?"', re.ASCII)
_LARGEST: Final = 2**31


@dataclass
class EditOperation(ActOperation):
    """Operation of a route that requires `If-Match`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        schema = Schema(type=OpenAPIType.STRING, pattern='^"[0-9]{1,9}"$')
        header = Parameter(
            name=IF_MATCH, param_in="header", required=True, schema=schema,
            description="The ETag that was read: nothing is changed if it is no longer the current one.",
        )  # fmt: skip
        self.parameters = [*(self.parameters or ()), header]
        self.responses = {
            **(self.responses or {}),
            "412": OpenAPIResponse(description="It was changed since it was read."),
            "428": OpenAPIResponse(description="`If-Match` is missing."),
        }


class PreconditionFailed(DomainError):
    """The row has changed since the caller read it; nothing was saved."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition-failed"
    title = N_("Someone else has changed this meanwhile")


class PreconditionRequired(DomainError):
    """The request must name the revision that it changes."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "precondition-required"
    title = N_("Send the revision that you change")


def etag_of(revision: int) -> str:
    return f'"{revision}"'


def read_if_match(request: Request[Any, Any, Any]) -> int:
    """The revision that the request was made from.

    Raises:
        PreconditionRequired: the header is missing.
        PreconditionFailed: it is no tag of ours, so it matches nothing.
    """
    found = single_header(request.scope, IF_MATCH.lower().encode())
    if not found:
        raise PreconditionRequired(N_("Read it first, and send its ETag as the header If-Match."))
    match = _TAG.fullmatch(found.strip())
    if match is None or int(match[1]) >= _LARGEST:
        raise changed_meanwhile()
    return int(match[1])


def changed_meanwhile() -> PreconditionFailed:
    return PreconditionFailed(N_("Nothing was saved. Read it again and repeat your change."))
