"""API of plans."""

from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.params import FromPath, JSONBody

from billing.permissions import BillingPermission
from billing.plans.repository import add_version, create_plan, list_plans, load_plan, retire_plan
from billing.plans.schemas import PlanInput, PlanList, PlanTermsInput, PlanView
from billing.plans.terms import check_features
from billing.web.dependencies import KnownFeatures
from foundation.ids import new_id
from foundation.web.api import post
from tenants.web.dependencies import OpenAccess

_PLANS: Final = "/api/v1/plans"
_PLAN: Final = f"{_PLANS}/{{plan_id:uuid}}"
_READ: Final = {"permission": BillingPermission.READ_PRICE_BOOKS}
_WRITE: Final = {"permission": BillingPermission.WRITE_PRICE_BOOKS}


class PlanCreated(msgspec.Struct, frozen=True):
    id: UUID


@get(_PLANS, opt=_READ, tags=["subscriptions"])
async def show_plans(access: OpenAccess) -> PlanList:
    """Return your plans with their versions, retired ones last."""
    return PlanList(await list_plans(access.session, access.now))


@get(_PLAN, opt=_READ, tags=["subscriptions"])
async def show_plan(access: OpenAccess, plan_id: FromPath[UUID]) -> PlanView:
    """Return a plan with its versions, the newest first."""
    return await load_plan(access.session, plan_id, access.now)


@post(_PLANS, opt=_WRITE, tags=["subscriptions"], status_code=201)
async def create_plan_route(access: OpenAccess, features: KnownFeatures, data: JSONBody[PlanInput]) -> PlanCreated:
    """Create a plan with its first version."""
    check_features(data.terms, features)
    return PlanCreated(await create_plan(access.session, data, now=access.now, new_id=new_id))


@post(f"{_PLAN}/versions", opt=_WRITE, tags=["subscriptions"], status_code=201)
async def create_plan_version(
    access: OpenAccess, features: KnownFeatures, plan_id: FromPath[UUID], data: JSONBody[PlanTermsInput]
) -> PlanView:
    """Publish a version for subscriptions that begin or change from then on. Existing ones keep theirs."""
    check_features(data.terms, features)
    await add_version(access.session, plan_id, data, now=access.now, new_id=new_id)
    return await load_plan(access.session, plan_id, access.now)


@post(f"{_PLAN}/retire", opt=_WRITE, tags=["subscriptions"], status_code=200)
async def retire_plan_route(access: OpenAccess, plan_id: FromPath[UUID]) -> PlanView:
    """Retire a plan. Existing subscriptions continue."""
    await retire_plan(access.session, plan_id, now=access.now)
    return await load_plan(access.session, plan_id, access.now)


PLAN_ROUTES: Final[tuple[Any, ...]] = (
    show_plans, show_plan, create_plan_route, create_plan_version, retire_plan_route,
)  # fmt: skip
