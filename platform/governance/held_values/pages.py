"""Page of held values."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody

from foundation.errors import DomainError
from foundation.i18n.localizer import translate
from foundation.reasons import LONGEST_REASON
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.held_values.discard import discard_held
from governance.held_values.queries import list_held
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_ROOT: Final = "/clients/{client:str}/held-values"
_READ: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_DISCARD: Final = {"permission": GovernancePermission.RESOLVE_EXCEPTION}


class DiscardForm(msgspec.Struct):
    connection_id: UUID
    element: str
    reason: str = ""


@get(_ROOT, opt=_READ, include_in_schema=False)
async def list_held_values_page(access: OpenAccess) -> Response[Any]:
    return await _page(access)


@post(f"{_ROOT}/discard", opt=_DISCARD, include_in_schema=False)
async def discard_held_values_page(access: OpenAccess, data: URLEncodedBody[DiscardForm]) -> Response[Any]:
    discarding = discard_held(
        access.session, connection_id=data.connection_id, element=data.element, reason=data.reason, now=access.now
    )
    refusal = await run_action(access.session, discarding)
    if refusal is None:
        return redirect_to(access, "/held-values", done=translate("Discarded"))
    return await _page(access, refusal, data)


async def _page(access: Access, refusal: DomainError | None = None, typed: DiscardForm | None = None) -> Response[Any]:
    context = {"groups": await list_held(access.session), "typed": typed, "reason_limit": LONGEST_REASON}
    return render_page(access, "held_values.html", translate("Held values"), context, refusal=refusal)


HELD_VALUE_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (list_held_values_page, discard_held_values_page)
