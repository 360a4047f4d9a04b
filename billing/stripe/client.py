"""The SDK's client of one account, and its errors as the port's."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final
from uuid import UUID

import stripe

from billing.payments.port import ProviderBusy, ProviderRefused, ProviderUncertain
from billing.stripe.transport import OutboundTransport
from foundation.outbound.client import OutboundClient

_KEY_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
"""The key is revoked, or may not do this."""


def build_client(  # noqa: PLR0913 - the parts of an account
    outbound: OutboundClient,
    tenant_id: UUID,
    account_id: UUID,
    *,
    api_key: str,
    base_url: str = "",
    connected: str | None = None,
) -> stripe.StripeClient:
    """`connected`: the id of the connected account that all calls are about. `base_url` is for other installations
    of the API; the guard of outbound calls checks it like any address.
    """
    transport = OutboundTransport(outbound, tenant_id, account_id)
    bases = {"api": base_url, "meter_events": base_url} if base_url else None
    return stripe.StripeClient(
        api_key,
        http_client=transport,
        max_network_retries=0,
        stripe_account=connected,
        base_addresses=bases,  # type: ignore[arg-type] # a TypedDict that is not exported
    )


@contextmanager
def provider_errors() -> Iterator[None]:
    """Raises the port's errors. A failure of the provider (5xx) is stored under its idempotency key; an unfinished
    request with the same key (409) has no outcome yet. If a key was used with other parameters, the next attempt finds
    the object or creates it under another key.
    """
    try:
        yield
    except stripe.RateLimitError as error:
        wait = (error.headers or {}).get("retry-after", "1")
        raise ProviderBusy(float(wait) if wait.replace(".", "", 1).isdigit() else 1.0) from error
    except stripe.APIConnectionError as error:
        raise ProviderUncertain from error
    except stripe.IdempotencyError as error:
        raise ProviderUncertain(is_stored=True) from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500:
            raise ProviderUncertain(is_stored=True) from error
        if error.http_status == HTTPStatus.CONFLICT:
            raise ProviderUncertain from error
        raise ProviderRefused(
            error.user_message or str(error), provider_code=str(error.code or ""),
            is_lasting=error.http_status not in _KEY_REFUSED,
        ) from error  # fmt: skip
