"""Dependencies of payment accounts, built once; and the provider of an account."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from billing.payment_account.states import ProviderKind
from billing.payments.port import PaymentProvider
from billing.payments.requests import RequestLog
from billing.sides import Side
from billing.stripe.adapter import StripeProvider
from billing.stripe.client import build_client
from billing.stripe.connect import StripeConnect
from foundation.clock import Clock
from foundation.database.engine import Database
from foundation.outbound.client import OutboundClient
from foundation.scope import Scope
from foundation.stripe_settings import StripePlatform
from foundation.vault.vault import Vault

_NO_PLATFORM: Final = StripePlatform()


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """An account with its client of the provider's API. `provider` is None in the sandbox, which calls no
    other system.
    """

    id: UUID
    kind: ProviderKind
    provider: PaymentProvider | None


@dataclass(frozen=True, slots=True)
class PaymentServices:
    """Dependencies. `stripe_url` is the address of another installation of Stripe's API; empty: Stripe's own."""

    db: Database
    vault: Vault
    outbound: OutboundClient
    clock: Clock
    stripe_url: str = ""
    platform: StripePlatform = _NO_PLATFORM

    def connected_to(
        self, scope: Scope, account_id: UUID, external_id: str, *, reopens: bool = False
    ) -> StripeProvider:
        """Client of a connected account: charges belong to the account, the operator's share of them to the
        platform.
        """
        client = build_client(
            self.outbound, scope.tenant_id, account_id, api_key=self.platform.key, base_url=self.stripe_url,
            connected=external_id,
        )  # fmt: skip
        log = RequestLog(self.db, scope, account_id, self.clock, reopens)
        platform = build_client(
            self.outbound, scope.tenant_id, account_id, api_key=self.platform.key, base_url=self.stripe_url
        )  # fmt: skip
        return StripeProvider(client, log, Side.RETAIL.value, self.platform.fee_basis_points, platform)

    def connect_of(self, scope: Scope, account_id: UUID) -> StripeConnect:
        """Client of the platform, for the MSP account of `scope`."""
        client = build_client(
            self.outbound, scope.tenant_id, account_id, api_key=self.platform.key, base_url=self.stripe_url
        )  # fmt: skip
        return StripeConnect(client, RequestLog(self.db, scope, account_id, self.clock), Side.RETAIL.value)

    def stripe_of(self, scope: Scope, account_id: UUID, secret_key: str, *, reopens: bool = False) -> StripeProvider:
        """Client of the account with that key. `scope` is that of the MSP account, in which requests are logged; with
        `reopens` refused ones are sent again.
        """
        client = build_client(self.outbound, scope.tenant_id, account_id, api_key=secret_key, base_url=self.stripe_url)
        return StripeProvider(client, RequestLog(self.db, scope, account_id, self.clock, reopens), Side.RETAIL.value)
