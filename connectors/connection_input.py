"""Input for a new connection, and for changes to one. Shared by pages, API and commands."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from connectors.settings import LONGEST_SETTING
from foundation.errors import InvalidInput
from foundation.marks import N_
from foundation.web.requests import RequestBody
from tenants.states import Environment

Address = Annotated[str, msgspec.Meta(max_length=2000)]
Name = Annotated[str, msgspec.Meta(max_length=500)]
Settings = Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=LONGEST_SETTING)]], msgspec.Meta(max_length=50)]
Day = Annotated[str, msgspec.Meta(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]


PartnerId = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")]


class ConnectionInput(RequestBody, frozen=True, kw_only=True):
    """A connection to add. `kind` is one of the catalogue's, which also has the names of `settings` and `secrets`.

    `environment`: the catalogue's suggestion if not given. `credentials_expire_on`: the day on which the credentials
    end, such as 2027-03-31, if known. `skip_test`: the connection is saved even if the system cannot be read now.
    `draft`: no value is taken from it or sent to it until it is activated, that is, resumed.
    """

    kind: Annotated[str, msgspec.Meta(max_length=100)]
    name: Name
    base_url: Address
    settings: Settings = msgspec.field(default_factory=dict)
    secrets: Settings = msgspec.field(default_factory=dict)
    environment: Environment | None = None
    jurisdiction: Annotated[str, msgspec.Meta(max_length=10)] = ""
    partner_id: UUID | None = None
    credentials_expire_on: Day = ""
    skip_test: bool = False
    draft: bool = False


class ConnectionChanges(RequestBody, frozen=True, kw_only=True):
    """Changes to a connection; omitted fields, settings and secrets are unchanged. An empty text removes a setting or
    secret that is not required. `credentials_expire_on`: empty for not known. `partner_id`: empty for none.
    """

    name: Name | None = None
    base_url: Address | None = None
    settings: Settings = msgspec.field(default_factory=dict)
    secrets: Settings = msgspec.field(default_factory=dict)
    environment: Environment | None = None
    jurisdiction: Annotated[str, msgspec.Meta(max_length=10)] | None = None
    credentials_expire_on: Day | None = None
    partner_id: PartnerId | None = None
    skip_test: bool = False


def read_day(text: str) -> date | None:
    """Raises InvalidInput for a day that no calendar has."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(
            N_("Enter the day on which the credentials expire as 2027-03-31."), field="credentials_expire_on"
        ) from None
