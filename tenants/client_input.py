"""Input for a new client, and for changes to one. Shared by pages, API and commands."""

from typing import Annotated

import msgspec

from foundation.web.requests import RequestBody
from tenants.states import Environment

Name = Annotated[str, msgspec.Meta(max_length=500)]
Code = Annotated[str, msgspec.Meta(max_length=63)]


class ClientInput(RequestBody, frozen=True, kw_only=True):
    """A client to create. `slug`: the short name in addresses, `currency`: an ISO 4217 code; both cannot be changed
    later, nor can `environment`: a sandbox client has sandbox connections only.

    `language` (`de`) and `time_zone` (`Europe/Berlin`) are those of members who chose none. `region`: the ISO 3166 code
    of the country or region where the client is at home.
    """

    name: Name
    slug: Code
    currency: Code
    language: Code = ""
    time_zone: Code = ""
    region: Code = ""
    environment: Environment = Environment.LIVE


class ClientChanges(RequestBody, frozen=True, kw_only=True):
    """Changes to a client; omitted fields are unchanged. An empty text removes a choice."""

    name: Name | None = None
    language: Code | None = None
    time_zone: Code | None = None
    region: Code | None = None
