"""The API of custom elements."""

from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.web.api import post
from governance.elements.create_element import create_element
from governance.elements.lists import ELEMENTS
from governance.elements.schemas import ElementCreated, NewElement
from governance.permissions import GovernancePermission
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_READ: Final = {"permission": GovernancePermission.READ_ELEMENTS}
_CREATE: Final = {"permission": GovernancePermission.CREATE_ELEMENT}
_ROOTS: Final = ["/api/v1/elements", "/api/v1/clients/{client:str}/elements"]
_TAGS: Final = ["elements"]
ELEMENT_LIST: Final = list_route(
    ELEMENTS,
    _ROOTS,
    opt=_READ,
    tags=_TAGS,
    about="List the custom elements that the client and its MSP declare; without a client, those that the MSP declares"
    " for all its clients.",
)


@post(_ROOTS, opt=_CREATE, tags=_TAGS)
async def create_custom_element(access: OpenAccess, data: JSONBody[NewElement]) -> ElementCreated:
    """Declare an element. Its values may be of any type, and divided by any dimension. A client's gets its contract at
    once; one that an MSP declares for all its clients gets a contract of each client that uses it.
    """
    return ElementCreated(await create_element(access.session, data, now=access.now))


ELEMENT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (ELEMENT_LIST, create_custom_element)
