"""The API of custom elements."""

from typing import Final

from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from foundation.web.api import post
from governance.elements.create_element import create_element
from governance.elements.lists import ELEMENTS
from governance.elements.retire_element import retire_element
from governance.elements.schemas import ElementCreated, ElementRetired, ElementToRetire, NewElement
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


@post([f"{root}/retire" for root in _ROOTS], opt=_CREATE, tags=_TAGS)
async def retire_custom_element(access: OpenAccess, data: JSONBody[ElementToRetire]) -> ElementRetired:
    """Retire an element that this account declared. Its contracts end, also those of an MSP's clients; later values for
    it are held. Values, changes and the name stay.
    """
    ended = await retire_element(access.session, code=data.code, reason=data.reason, now=access.now)
    return ElementRetired(data.code, ended)


ELEMENT_ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (ELEMENT_LIST, create_custom_element, retire_custom_element)
