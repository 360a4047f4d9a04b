"""The API of retention: the plan, policies and holds."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from foundation.web.api import post, put
from foundation.web.etags import GuardedOperation, read_etag, tagged
from governance.permissions import GovernancePermission
from governance.retention.change_policy import place_hold, release_hold, set_default, set_policy
from governance.retention.lists import PURGES
from governance.retention.plan import list_defaults, plan_retention
from governance.retention.schemas import (
    DefaultList,
    HoldPlaced,
    HoldRelease,
    NewDefault,
    NewHold,
    NewPolicy,
    RetentionView,
)
from governance.retention.version import (
    read_defaults_version,
    read_policies_version,
    require_defaults_version,
    require_policies_version,
)
from governance.services import GovernanceServices
from tenants.auth.step_up import STEP_UP
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": GovernancePermission.READ_RETENTION}
_WRITE: Final = {"permission": GovernancePermission.WRITE_RETENTION}
_ROOT: Final = "/api/v1/clients/{client:str}/retention"
_DEFAULTS: Final = "/api/v1/retention/defaults"
_TAGS: Final = ["retention"]
PURGE_LIST: Final = list_route(
    PURGES, f"{_ROOT}/purges", opt=_READ, tags=_TAGS, about="List past deletions, newest first."
)


def build_retention_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    classes = services.retained

    @get(_ROOT, opt=_READ, tags=_TAGS)
    async def show_retention(access: OpenAccess) -> Response[RetentionView]:
        """Return the retention period and next deletion of each class of data, legal holds and past deletions. `ETag`
        has the version of all periods together.
        """
        version = await read_policies_version(access.session)
        return tagged(await plan_retention(access.session, classes, now=access.now), version)

    @put(
        f"{_ROOT}/policies/{{data_class:str}}", opt=_WRITE | STEP_UP, tags=_TAGS, status_code=204,
        operation_class=GuardedOperation,
    )  # fmt: skip
    async def set_retention_policy(
        request: AnyRequest, access: OpenAccess, data_class: FromPath[str], data: JSONBody[NewPolicy]
    ) -> None:
        """Set the retention period of a class; without `days`, the default. One element can only be kept longer."""
        await require_policies_version(access.session, read_etag(request))
        await set_policy(access.session, classes, data_class, data, now=access.now)

    @post(f"{_ROOT}/holds", opt=_WRITE, tags=_TAGS)
    async def place_legal_hold(access: OpenAccess, data: JSONBody[NewHold]) -> HoldPlaced:
        """Place a legal hold: the data that it covers is not deleted. Without class and record, it covers all data."""
        return HoldPlaced(await place_hold(access.session, classes, data, now=access.now, new_id=services.new_id))

    @post(f"{_ROOT}/holds/{{hold_id:uuid}}/release", opt=_WRITE | STEP_UP, tags=_TAGS, status_code=204)
    async def release_legal_hold(access: OpenAccess, hold_id: FromPath[UUID], data: JSONBody[HoldRelease]) -> None:
        """Release a legal hold. Data kept only by this hold is deleted in the next run."""
        await release_hold(access.session, hold_id, reason=data.reason, now=access.now)

    @get(_DEFAULTS, opt=_READ, tags=_TAGS)
    async def list_retention_defaults(access: OpenAccess) -> Response[DefaultList]:
        """List the retention defaults of all your accounts by class of data; a client can keep longer. `ETag` has the
        version of all of them together.
        """
        version = await read_defaults_version(access.session)
        return tagged(DefaultList(await list_defaults(access.session, classes)), version)

    @put(
        f"{_DEFAULTS}/{{data_class:str}}", opt=_WRITE | STEP_UP, tags=_TAGS, status_code=204,
        operation_class=GuardedOperation,
    )  # fmt: skip
    async def set_retention_default(
        request: AnyRequest, access: OpenAccess, data_class: FromPath[str], data: JSONBody[NewDefault]
    ) -> None:
        """Set the default for your own account and every client. Without days, the product's default is restored."""
        await require_defaults_version(access.session, read_etag(request))
        await set_default(access.session, classes, data_class, data.keep_days, now=access.now)

    return (
        show_retention,
        PURGE_LIST,
        set_retention_policy,
        place_legal_hold,
        release_legal_hold,
        list_retention_defaults,
        set_retention_default,
    )
