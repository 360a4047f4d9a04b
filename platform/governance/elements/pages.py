"""Page of custom elements: the list, and the form of a new one."""

from typing import Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import URLEncodedBody

from canonical.dimensions import LABELS
from foundation.errors import DomainError, InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.reasons import LONGEST_REASON
from foundation.web.actions import run_action
from foundation.web.render import redirect_to
from governance.elements.create_element import create_element
from governance.elements.lists import ELEMENTS
from governance.elements.retire_element import retire_element
from governance.elements.schemas import NewElement
from governance.labels import VALUE_TYPE_LABELS
from governance.permissions import GovernancePermission
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_ELEMENTS}
_CREATE: Final = {"permission": GovernancePermission.CREATE_ELEMENT}
_ROOTS: Final = ["/elements", "/clients/{client:str}/elements"]


class RetireForm(msgspec.Struct):
    code: str
    reason: str = ""


@get(_ROOTS, name="elements", opt=_READ, include_in_schema=False)
async def list_elements_page(access: OpenAccess) -> Response[Any]:
    return await _page(access)


@post(_ROOTS, opt=_CREATE, include_in_schema=False)
async def create_custom_element_page(request: Request[Any, Any, Any], access: OpenAccess) -> Response[Any]:
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        new = _new_element(form)
    except InvalidInput as wrong:
        return await _page(access, wrong, form)
    refusal = await run_action(access.session, create_element(access.session, new, now=access.now))
    if refusal is not None:
        return await _page(access, refusal, form)
    return redirect_to(access, "/elements", done=translate("Element declared"))


@post([f"{root}/retire" for root in _ROOTS], opt=_CREATE, include_in_schema=False)
async def retire_element_page(access: OpenAccess, data: URLEncodedBody[RetireForm]) -> Response[Any]:
    retiring = retire_element(access.session, code=data.code, reason=data.reason, now=access.now)
    refusal = await run_action(access.session, retiring)
    if refusal is None:
        return redirect_to(access, "/elements", done=translate("Element retired"))
    return await _page(access, refusal, retiring=data)


async def _page(
    access: Access,
    refusal: DomainError | None = None,
    typed: dict[str, str] | None = None,
    retiring: RetireForm | None = None,
) -> Response[Any]:
    found = await ELEMENTS.load(access.session, ELEMENTS.query(), access.now)
    context = {
        "found": found,
        "is_msps": access.client is None,
        "value_types": [(name, translate(label)) for name, label in VALUE_TYPE_LABELS.items()],
        "dimensions": ", ".join(LABELS),
        "type_labels": VALUE_TYPE_LABELS,
        "typed": typed or {},
        "shown": typed is not None,
        "retiring": retiring,
        "reason_limit": LONGEST_REASON,
        "own": "msp" if access.client is None else "client",
    }
    return render_page(access, "elements.html", translate("Elements"), context, refusal=refusal)


def _new_element(form: dict[str, str]) -> NewElement:
    """Raises InvalidInput."""
    fields = {
        "name": form.get("name", "").strip(), "label": form.get("label", ""), "value_type": form.get("value_type", ""),
        "record_type": form.get("record_type", "").strip() or "product",
        "dimensions": _words(form.get("dimensions", "")),
        "codes": _words(form.get("codes", "")), "distributed": form.get("distributed", "yes") == "yes",
    }  # fmt: skip
    try:
        return msgspec.convert(fields, NewElement)
    except msgspec.ValidationError as problem:
        raise InvalidInput(
            N_("A name has lower-case letters, digits and underscores, such as care_label."), field="name"
        ) from problem


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


ELEMENT_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    list_elements_page,
    create_custom_element_page,
    retire_element_page,
)
