"""Reading the MSP's account at the provider before the request's transaction."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request

from billing.payment_account.accounts import read_status, try_key
from billing.payment_account.services import PaymentServices
from billing.payment_account.states import ProviderKind
from billing.payments.port import ProviderAccount, ProviderUncertain
from foundation.errors import DomainError
from foundation.scope import Scope
from tenants.web.before import BeforeTransaction

AnyRequest = Request[Any, Any, Any]
_STATE: Final = "account_at_provider"
_LONGEST: Final = 255


@dataclass(frozen=True)
class KeyTrial(BeforeTransaction):
    """Reads the account of the key in the request's body."""

    services: PaymentServices

    async def concerns(self, request: AnyRequest) -> bool:
        return bool(await _key_in(request))

    async def run(self, request: AnyRequest, scope: Scope) -> None:
        await _keep(request, try_key(self.services, scope, await _key_in(request)))


@dataclass(frozen=True)
class AccountReading(BeforeTransaction):
    """Reads the account that is set."""

    services: PaymentServices

    async def concerns(self, request: AnyRequest) -> bool:  # noqa: ARG002 - the protocol's
        return True

    async def run(self, request: AnyRequest, scope: Scope) -> None:
        await _keep(request, read_status(self.services, scope))


def status_of(request: AnyRequest) -> ProviderAccount | None:
    """Status that was read before the transaction; None if no reading was due. Raises the errors of the reading."""
    found: ProviderAccount | DomainError | None = request.state.get(_STATE)
    if isinstance(found, DomainError):
        raise found
    return found


def require_status(request: AnyRequest) -> ProviderAccount:
    """As `status_of`, but raises ProviderUncertain if nothing was read."""
    found = status_of(request)
    if found is None:
        raise ProviderUncertain
    return found


async def _keep(request: AnyRequest, reading: Awaitable[ProviderAccount]) -> None:
    try:
        request.state[_STATE] = await reading
    except DomainError as refusal:
        request.state[_STATE] = refusal


async def _key_in(request: AnyRequest) -> str:
    """The key in the request's body; empty if there is none, or for a body that is refused later."""
    try:
        is_api = request.scope["path"].startswith("/api/")
        given: Any = await request.json() if is_api else dict(await request.form())
    except DomainError:
        return ""
    if not isinstance(given, dict) or given.get("provider") != ProviderKind.STRIPE:
        return ""
    key = given.get("secret_key")
    return key.strip() if isinstance(key, str) and len(key) <= _LONGEST else ""
