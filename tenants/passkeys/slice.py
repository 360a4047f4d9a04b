"""Parts of this slice."""

from typing import Final

from foundation.rooms import Slice
from tenants.passkeys.audit_actions import PasskeyAction
from tenants.passkeys.pages import PASSKEY_PAGES

SLICE: Final = Slice(pages=PASSKEY_PAGES, audit_actions=(PasskeyAction,))
