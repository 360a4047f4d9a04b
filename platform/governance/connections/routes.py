"""The API of connections (health, pause, webhook secret) and of contracts."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody

from connectors.poll_now import poll_now
from foundation.web.api import post, put
from foundation.web.etags import GuardedOperation, read_etag
from governance.connections import pause
from governance.connections.lists import CONNECTIONS, CONTRACTS
from governance.connections.schemas import NewHookSecret
from governance.connections.webhook_secret import renew_hook_secret
from governance.elements.contract_version import require_contract_version
from governance.elements.domains import DataDomains, read_domains, set_domain_owner
from governance.elements.ownership import OwnershipReport, read_ownership
from governance.elements.publish_contract import assign_elements, publish_new_contract
from governance.elements.remove_contract import remove_contract
from governance.elements.schemas import (
    Assigned,
    Assignment,
    ContractPublished,
    ContractRemoved,
    ContractToRemove,
    DomainOwnerInput,
    NewContract,
)
from governance.permissions import GovernancePermission
from governance.services import GovernanceServices
from tenants.auth.step_up import STEP_UP
from tenants.secrets import new_secret
from tenants.web.dependencies import OpenAccess
from tenants.web.lists import list_route

AnyRequest = Request[Any, Any, Any]
_READ: Final = {"permission": GovernancePermission.READ_CONNECTIONS}
_WRITE: Final = {"permission": GovernancePermission.WRITE_CONNECTIONS}
_PUBLISH: Final = {"permission": GovernancePermission.PUBLISH_CONTRACTS}
_CONTRACTS: Final = {"permission": GovernancePermission.READ_CONTRACTS}
_ROOT: Final = "/api/v1/clients/{client:str}/connections"
_CONTRACTS_ROOT: Final = "/api/v1/clients/{client:str}/contracts"
_ONE: Final = f"{_ROOT}/{{connection_id:uuid}}"
_TAGS: Final = ["connections"]


CONNECTION_LIST: Final = list_route(
    CONNECTIONS, _ROOT, opt=_READ, tags=_TAGS, about="List connections with their backlogs, sources first."
)
CONTRACT_LIST: Final = list_route(
    CONTRACTS,
    _CONTRACTS_ROOT,
    opt=_CONTRACTS,
    tags=_TAGS,
    about="List the element contracts: owner, source of truth and targets (ISO 8601 durations) of each element, or of"
    " the values that a selector selects. `version`, in quotation marks, is the contract's `ETag`.",
)


@post(f"{_ONE}/pause", opt=_WRITE, tags=_TAGS, status_code=204)
async def pause_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
    """Pause a connection: a source is not polled and its webhooks are rejected; a channel gets no new values."""
    await pause.pause_connection(access.session, connection_id, now=access.now)


@post(f"{_ONE}/resume", opt=_WRITE, tags=_TAGS, status_code=204)
async def resume_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
    """Resume a connection, or activate a draft."""
    await pause.resume_connection(access.session, connection_id, now=access.now)


@get(f"{_CONTRACTS_ROOT}/report", opt=_CONTRACTS, tags=_TAGS)
async def report_ownership(access: OpenAccess) -> OwnershipReport:
    """List the elements that have no owner, only for a part of their values, or are reported by two systems."""
    return await read_ownership(access.session)


@get(f"{_CONTRACTS_ROOT}/domains", opt=_CONTRACTS, tags=_TAGS)
async def list_data_domains(access: OpenAccess) -> DataDomains:
    """The data domains with the owner named for each, and the contracts that only a usual team owns."""
    return await read_domains(access.session)


@put(f"{_CONTRACTS_ROOT}/domains", opt=_PUBLISH, tags=_TAGS, status_code=204)
async def set_data_domain_owner(access: OpenAccess, data: JSONBody[DomainOwnerInput]) -> None:
    """Name the owner of a data domain; an empty name removes it."""
    await set_domain_owner(access.session, data, now=access.now)


@post(f"{_CONTRACTS_ROOT}/remove", opt=_PUBLISH, tags=_TAGS, status_code=200)
async def remove_element_contract(access: OpenAccess, data: JSONBody[ContractToRemove]) -> ContractRemoved:
    """Remove a contract that has a selector. Its values fall to the element's contract without one."""
    following = await remove_contract(access.session, element=data.element, selector=data.selector, now=access.now)
    return ContractRemoved(following.owner, following.source_connection_id)


def build_connection_routes(services: GovernanceServices) -> tuple[HTTPRouteHandler, ...]:
    @post(f"{_ONE}/webhook-secret", opt=_WRITE | STEP_UP, tags=_TAGS)
    async def renew_webhook_secret(access: OpenAccess, connection_id: FromPath[UUID]) -> Response[NewHookSecret]:
        """Create a new secret for the source's webhooks. The previous one stays valid until the next renewal."""
        secret = await renew_hook_secret(
            access.session, services.runtime, connection_id, new_secret=new_secret, now=access.now
        )
        return Response(NewHookSecret(secret), headers={"Cache-Control": "no-store"})

    @post(_CONTRACTS_ROOT, opt=_PUBLISH, tags=_TAGS, operation_class=GuardedOperation)
    async def publish_element_contract(
        request: AnyRequest, access: OpenAccess, data: JSONBody[NewContract]
    ) -> ContractPublished:
        """Publish a contract: the source of truth, owner and targets of an element, or of the values that its selector
        selects. Held values that it selects are processed; approved ones stay until their new source reports others.
        """
        await require_contract_version(access.session, data.element, data.selector, read_etag(request))
        made = await publish_new_contract(access.session, services.runtime.registry, data, now=access.now)
        return ContractPublished(made.element, made.selector, made.version)

    @post(f"{_CONTRACTS_ROOT}/assignments", opt=_PUBLISH, tags=_TAGS, status_code=200)
    async def assign_elements_to_source(access: OpenAccess, data: JSONBody[Assignment]) -> Assigned:
        """Publish the contracts of several elements at once, with one source of truth and the usual targets."""
        return Assigned(await assign_elements(access.session, services.runtime.registry, data, now=access.now))

    @post(f"{_ONE}/poll", opt=_WRITE, tags=_TAGS, status_code=204)
    async def poll_connection(access: OpenAccess, connection_id: FromPath[UUID]) -> None:
        """Read a polled source at once instead of at its next poll; at most every ten seconds."""
        await poll_now(access.session, services.runtime, connection_id, now=access.now)

    return (
        poll_connection,
        CONNECTION_LIST,
        report_ownership,
        list_data_domains,
        set_data_domain_owner,
        assign_elements_to_source,
        pause_connection,
        resume_connection,
        renew_webhook_secret,
        CONTRACT_LIST,
        publish_element_contract,
        remove_element_contract,
    )
