"""API of subscriptions. With a client in the path, the client's own; without, those of all clients of the MSP."""

from typing import Any, Final
from uuid import UUID

from litestar import get
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.subscriptions.acts import add_step, preview_step, preview_subscription, subscribe, undo_step
from billing.subscriptions.lists import SUBSCRIPTIONS_LIST
from billing.subscriptions.schemas import ChargePreview, StepInput, SubscriptionInput, SubscriptionView, UndoInput
from billing.subscriptions.views import load_view
from foundation.ids import new_id
from foundation.web.api import post
from tenants.access import Access
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

_CLIENT: Final = "/api/v1/clients/{client:str}/subscriptions"
_ONE: Final = f"{_CLIENT}/{{subscription_id:uuid}}"
_READ: Final = {"permission": BillingPermission.READ_INVOICES}
_WRITE: Final = {"permission": BillingPermission.WRITE_SUBSCRIPTIONS}

SUBSCRIPTION_LIST: Final = list_route(
    SUBSCRIPTIONS_LIST,
    ["/api/v1/subscriptions", _CLIENT],
    opt={**_READ, "fleet": True},
    tags=["subscriptions"],
    about="List subscriptions, the newest first, each with its state and its next charge.",
)


@get(_ONE, opt=_READ, tags=["subscriptions"])
async def show_subscription(access: OpenAccess, subscription_id: FromPath[UUID]) -> SubscriptionView:
    """Return a subscription with its steps."""
    return await _view(access, subscription_id)


@post(_CLIENT, opt=_WRITE, tags=["subscriptions"], status_code=201)
async def create_subscription(access: OpenAccess, data: JSONBody[SubscriptionInput]) -> SubscriptionView:
    """Subscribe a client to a plan. A start in the past is charged with the next invoice that is open."""
    made = await subscribe(access.session, zone_of(access), data, now=access.now, new_id=new_id)
    return await _view(access, made)


@post(f"{_CLIENT}/preview", opt=_WRITE, tags=["subscriptions"], status_code=200)
async def preview_new_subscription(access: OpenAccess, data: JSONBody[SubscriptionInput]) -> ChargePreview:
    """Return the charges of a new subscription in its first period, without creating it."""
    return await preview_subscription(access.session, zone_of(access), data, now=access.now, new_id=new_id)


@post(f"{_ONE}/steps", opt=_WRITE, tags=["subscriptions"], status_code=201)
async def create_step(
    access: OpenAccess, subscription_id: FromPath[UUID], data: JSONBody[StepInput]
) -> SubscriptionView:
    """Change the plan, quantity or add-ons of a subscription, pause, resume or cancel it."""
    await add_step(access.session, subscription_id, data, now=access.now, new_id=new_id)
    return await _view(access, subscription_id)


@post(f"{_ONE}/steps/preview", opt=_WRITE, tags=["subscriptions"], status_code=200)
async def preview_new_step(
    access: OpenAccess, subscription_id: FromPath[UUID], data: JSONBody[StepInput]
) -> ChargePreview:
    """Return the changes of charges by a step until the end of the period, without taking it."""
    return await preview_step(access.session, subscription_id, data, now=access.now, new_id=new_id)


@post(f"{_ONE}/steps/{{step_id:uuid}}/undo", opt=_WRITE, tags=["subscriptions"], status_code=200)
async def undo_scheduled_step(
    access: OpenAccess, subscription_id: FromPath[UUID], step_id: FromPath[UUID], data: JSONBody[UndoInput]
) -> SubscriptionView:
    """Take back a step that lies ahead."""
    await undo_step(access.session, subscription_id, step_id, data.reason, now=access.now)
    return await _view(access, subscription_id)


def zone_of(access: Access) -> str:
    """The client's time zone. Raises NotFound outside a client's pages."""
    return access.require_client().time_zone or "UTC"


async def _view(access: Access, subscription_id: UUID) -> SubscriptionView:
    access.require_client()
    return await load_view(access.session, subscription_id, access.now)


SUBSCRIPTION_ROUTES: Final[tuple[Any, ...]] = (
    SUBSCRIPTION_LIST, show_subscription, create_subscription, preview_new_subscription, create_step,
    preview_new_step, undo_scheduled_step,
)  # fmt: skip
