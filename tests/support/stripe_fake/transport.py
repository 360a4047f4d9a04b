"""Transport of the SDK to the fake, without a socket."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from tests.support.stripe_fake.app import StripeFake

TEST_KEY = "sk_test_fake"


class FakeTransport(stripe.HTTPClient):
    """An HTTP client of the SDK that calls the fake in the process. It does not wait between retries."""

    name = "fake"

    def __init__(self, fake: StripeFake) -> None:
        super().__init__()
        self._fake = fake

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        named = {name.lower(): value for name, value in (headers or {}).items()}
        form = post_data if method.upper() == "POST" else parts.query
        found = self._fake.answer(method.upper(), parts.path, form or "", named)
        if found is None:
            raise stripe.APIConnectionError("The connection was lost.", should_retry=True)  # type: ignore[no-untyped-call]
        return found[1].decode(), found[0], {"request-id": "req_fake"}

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        return self.request(method, url, headers, post_data)

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0

    async def sleep_async(self, secs: float) -> None:
        return

    def close(self) -> None:
        return


def client_of(fake: StripeFake, *, retries: int = 2, account: str | None = None) -> stripe.StripeClient:
    return stripe.StripeClient(
        TEST_KEY, http_client=FakeTransport(fake), max_network_retries=retries, stripe_account=account
    )
