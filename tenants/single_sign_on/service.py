"""Dependencies of single sign-on, built once."""

from dataclasses import dataclass

from foundation.ids import NewId
from foundation.outbound.dns_txt import TxtLookup
from foundation.vault.vault import Vault
from tenants.auth.services import AuthServices
from tenants.single_sign_on.discovery import ProviderCache


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    auth: AuthServices
    vault: Vault
    cache: ProviderCache
    lookup: TxtLookup
    new_id: NewId
