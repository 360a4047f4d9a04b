"""The forms of a client's details."""

from collections.abc import Iterable, Mapping

from foundation.errors import DomainError, InvalidInput
from foundation.i18n.catalogues import LANGUAGES
from foundation.i18n.localizer import translate
from foundation.i18n.negotiation import time_zones
from foundation.marks import N_
from tenants.client_input import ClientChanges, ClientInput
from tenants.errors import SlugTaken
from tenants.models import Client
from tenants.states import Environment

Typed = Mapping[str, str]


def clean_form(fields: Iterable[tuple[str, object]]) -> dict[str, str]:
    return {name: str(value).strip() for name, value in fields}


def to_input(typed: Typed) -> ClientInput:
    """Raises InvalidInput."""
    try:
        environment = Environment(typed.get("environment", ""))
    except ValueError:
        raise InvalidInput(N_("Choose whether the client is live or a sandbox."), field="environment") from None
    return ClientInput(
        name=typed.get("name", ""),
        slug=typed.get("slug", ""),
        currency=typed.get("currency", "").upper(),
        language=typed.get("language", ""),
        time_zone=typed.get("time_zone", ""),
        region=typed.get("region", "").upper(),
        environment=environment,
    )


def to_changes(typed: Typed) -> ClientChanges:
    return ClientChanges(
        name=typed.get("name", ""),
        language=typed.get("language", ""),
        time_zone=typed.get("time_zone", ""),
        region=typed.get("region", "").upper(),
    )


def typed_of(client: Client) -> dict[str, str]:
    return {
        "name": client.name,
        "language": client.language or "",
        "time_zone": client.time_zone or "",
        "region": client.region,
        "revision": str(client.revision),
    }


def error_of(refusal: DomainError | None) -> dict[str, str]:
    """The refusal's sentence by the form's field; under the empty name if the refusal concerns no field."""
    if refusal is None:
        return {}
    if isinstance(refusal, SlugTaken):
        return {"slug": refusal.detail}
    return {str(refusal.extra.get("field", "")): refusal.detail}


def language_options() -> list[tuple[str, str]]:
    return [("", translate(N_("The browser's"))), *LANGUAGES.items()]


def zone_options() -> list[tuple[str, str]]:
    return [("", "UTC"), *((name, name.replace("_", " ")) for name in sorted(time_zones()))]
