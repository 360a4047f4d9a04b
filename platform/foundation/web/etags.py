"""Entity tags of editable objects: the revision of a row, in `ETag` and `If-Match` (RFC 9110, section 13.1.1).

An edit names the revision that it was made from, so that concurrent edits are not overwritten. An object without a
revision has a version instead, a hash of what an edit replaces; there `If-Match` may be left out (`GuardedOperation`).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from litestar import Request, Response
from litestar.openapi.spec import OpenAPIResponse, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.database.engine import scope_of
from foundation.database.locks import lock
from foundation.errors import DomainError
from foundation.marks import N_
from foundation.text import is_storable
from foundation.web.api import ActOperation
from foundation.web.boundary import single_header

IF_MATCH: Final = "If-Match"
_TAG: Final = re.compile(r'(?:W/)?"([0-9]{1,9})(?:-gzip)?"', re.ASCII)
_LARGEST: Final = 2**31
_VERSION: Final = re.compile(r'(?:W/)?"([0-9a-f]{1,20})(?:[.][0-9a-f]{8})?(?:-gzip)?"', re.ASCII)
_NO_VERSION: Final = "none"
ABSENT: Final = "0"
"""Version of an object that does not exist yet."""
FORM_FIELD: Final = "version"
"""Hidden field of a page's form: the version that the form was drawn from."""
ViewT = TypeVar("ViewT")


@dataclass
class GuardedOperation(ActOperation):
    """Operation of a route that compares `If-Match` if sent, and otherwise changes the current version."""

    pattern: ClassVar[str] = '^"[0-9a-f]{1,20}([.][0-9a-f]{8})?"$'
    is_required: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        header = Parameter(
            name=IF_MATCH, param_in="header", required=self.is_required,
            schema=Schema(type=OpenAPIType.STRING, pattern=self.pattern),
            description="The ETag that was read: nothing is changed if it is no longer the current one.",
        )  # fmt: skip
        self.parameters = [*(self.parameters or ()), header]
        changed = OpenAPIResponse(description="It was changed since it was read.")
        self.responses = {**(self.responses or {}), "412": changed}


@dataclass
class EditOperation(GuardedOperation):
    """Operation of a route that requires `If-Match`."""

    pattern: ClassVar[str] = '^"[0-9]{1,9}"$'
    is_required: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.responses = {**(self.responses or {}), "428": OpenAPIResponse(description="`If-Match` is missing.")}


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


def version_of(content: object) -> str:
    """The version of an object without a revision. `content` is what an edit replaces, and nothing else."""
    return sha256(msgspec.json.encode(content, enc_hook=str, order="deterministic")).hexdigest()[:20]


def tagged(view: ViewT, version: str) -> Response[ViewT]:
    """A response whose `ETag` has the version and a suffix for the whole view, which can change without an edit. Only
    conditional reads (`If-None-Match`) compare the suffix.
    """
    return Response(view, headers={"ETag": f'"{version}.{version_of(view)[:8]}"'})


def read_etag(request: Request[Any, Any, Any]) -> str:
    """The version in `If-Match`; empty without the header.

    Raises:
        PreconditionFailed: it is no tag of ours, so it matches nothing.
    """
    found = single_header(request.scope, IF_MATCH.lower().encode())
    if not found:
        return ""
    match = _VERSION.fullmatch(found.strip())
    if match is None:
        raise changed_meanwhile()
    return match[1]


def version_in(form: Mapping[str, object]) -> str:
    """The version of a page's form; empty without one."""
    sent = str(form.get(FORM_FIELD, ""))
    return sent if _VERSION.fullmatch(f'"{sent}"') or not sent else _NO_VERSION


def revision_in(form: Mapping[str, str]) -> int:
    """Revision from which a page's form was made; 0, which no object has, if it is not readable."""
    text = form.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def require_unchanged(session: AsyncSession, subject: str, sent: str, read: Callable[[], Awaitable[str]]) -> None:
    """Compare the version that an edit was made from, if it names one, with the current one. Edits of the subject wait
    for each other, so two that were made from the same version cannot both be saved.

    Raises:
        PreconditionFailed: the object has another version.
    """
    current = ABSENT  # nothing is stored under a name that is not storable; the edit refuses it
    if is_storable(subject):
        await lock(session, f"edit:{subject}:{scope_of(session).tenant_id}")
        current = await read() if sent else current
    if sent and sent != current:
        raise changed_meanwhile()
