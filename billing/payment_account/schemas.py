"""Bodies of the API of payment accounts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from billing.payment_account.states import PaymentMode, ProviderKind
from foundation.web.requests import RequestBody

_Secret = Annotated[str, msgspec.Meta(max_length=255)]


class PaymentAccountInput(RequestBody, frozen=True, kw_only=True):
    """Payment provider of the clients. `connects`: an account at Stripe that is connected to this installation's,
    without keys. The secrets are for Stripe; the stored ones are kept if not given. The signing secret is dropped when
    the key is of another account or environment. Another provider than Stripe drops both.
    """

    provider: ProviderKind
    connects: bool = False
    secret_key: _Secret | None = None
    signing_secret: _Secret | None = None


class PaymentAccountView(msgspec.Struct, frozen=True, kw_only=True):
    """Payment provider of the clients. `connected`: its account is connected to this installation's; `account` is empty
    until its set-up begins. `account` is the provider's id of the account; `verifies_webhooks`: it has a signing
    secret; `can_charge`, `requirements` (in the provider's words) and `restriction` are its report at `checked_at`.
    Webhooks are received at `webhook_path` on any host of the MSP; `refused_webhooks` counts those with another
    signature. The sweep has read events before `swept_at`.
    """

    provider: ProviderKind
    mode: PaymentMode | None = None
    connected: bool = False
    account: str = ""
    key_hint: str = ""
    verifies_webhooks: bool = False
    can_charge: bool = False
    requirements: Sequence[str] = ()
    restriction: str = ""
    checked_at: datetime | None = None
    webhook_path: str = ""
    refused_webhooks: int = 0
    swept_at: datetime | None = None
    set_at: datetime | None = None
    set_by: str = ""
