"""The SDK's requests over the product's own HTTP client: its guard of addresses, and its rate limits, which all
workers share.

Stripe limits an account to 100 requests a second (25 in its test mode) and each endpoint to 25. The limits here are
lower, because other software of the MSP uses the same account.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import stripe

from foundation.outbound.client import OutboundClient
from foundation.outbound.errors import OutboundHeld, OutboundUnavailable
from foundation.outbound.limits import requested_pause

ENDPOINT_RATE: Final = 12.0
ENDPOINT_BURST: Final = 20
_SEEN_HEADERS: Final = ("request-id", "retry-after", "idempotent-replayed", "stripe-should-retry")


class OutboundTransport(stripe.HTTPClient):
    """HTTP client of the SDK for one account. The SDK's own retries are off: jobs repeat."""

    name = "outbound"

    def __init__(self, outbound: OutboundClient, tenant_id: UUID, account_id: UUID) -> None:
        super().__init__()
        self._outbound = outbound
        self._tenant_id = tenant_id
        self._account_id = account_id

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Raises OutboundHeld, OutboundRefused, stripe.APIConnectionError: no answer."""
        endpoint = "/".join(urlsplit(url).path.split("/")[1:3])
        caller = self._outbound.for_credential(
            self._tenant_id, f"payments:{self._account_id}:{endpoint}", ENDPOINT_RATE, ENDPOINT_BURST
        )
        sent = {str(name): str(value) for name, value in headers.items() if str(name).lower() != "user-agent"}
        content = None if post_data is None else str(post_data).encode()
        try:
            answer = await caller.request(method.upper(), url, headers=sent, content=content)
        except OutboundHeld:
            raise
        except OutboundUnavailable as failed:
            raise stripe.APIConnectionError(str(failed), should_retry=False) from failed  # type: ignore[no-untyped-call]
        seen = {name: answer.headers[name] for name in _SEEN_HEADERS if name in answer.headers}
        if answer.status_code == 429:
            pause = requested_pause(answer.status_code, answer.headers, self._outbound.clock())
            seen["retry-after"] = str(pause)
        return answer.content.decode("utf-8", "replace"), answer.status_code, seen

    def close(self) -> None:
        """No-op: the connections belong to the product's own client."""

    async def close_async(self) -> None:
        """No-op, as `close`."""
