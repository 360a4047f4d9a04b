"""Bodies of the API of the SCIM token."""

from datetime import datetime

import msgspec

from tenants.scim.models import ScimToken


class ScimTokenView(msgspec.Struct, frozen=True):
    """The account's token without its text. `base_url` is the address that the identity provider calls; empty on the
    command line, where no host is known. `previous_until`: the token before the last rotation is accepted until then;
    `last_used_at` is of the present one.
    """

    base_url: str
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    previous_until: datetime | None


class NewScimTokenView(msgspec.Struct, frozen=True):
    """`token` is shown this once."""

    base_url: str
    token: str


def token_view(token: ScimToken, origin: str) -> ScimTokenView:
    return ScimTokenView(base_url(origin), token.created_at, token.created_by, token.last_used_at, token.previous_until)


def base_url(origin: str) -> str:
    return f"{origin}/scim/v2" if origin else ""
