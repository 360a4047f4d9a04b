"""The form of a connection's settings: from the connector's fields to the use cases' input, and back with errors."""

from collections.abc import Iterable, Mapping
from typing import Final
from uuid import UUID

from connectors.connection_input import ConnectionChanges, ConnectionInput
from connectors.manifest import Manifest
from connectors.webhooks.directory import HOOK_SECRET
from foundation.errors import DomainError, InvalidInput
from foundation.marks import N_
from governance.connections.schemas import ConnectionDetail
from governance.connections.webhook_secret import is_made_secret, make_hook_secret
from tenants.secrets import new_secret
from tenants.states import Environment

SETTING: Final = "setting."
SECRET: Final = "secret."  # noqa: S105 - the beginning of a field's name
REMOVE: Final = "remove."
OFFERED: Final = "offered_secret"
"""Field with the webhook secret that the form offers."""
Typed = Mapping[str, str]


def clean_form(fields: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Return the fields, stripped; credentials are unchanged."""
    return {name: str(value) if name.startswith(SECRET) else str(value).strip() for name, value in fields}


def new_input(kind: str, typed: Typed) -> ConnectionInput:
    """Return the input, with the offered webhook secret unless another one is typed. Raises InvalidInput."""
    secrets, offered = _named(typed, SECRET), typed.get(OFFERED, "")
    if is_made_secret(offered):
        secrets[HOOK_SECRET] = secrets.get(HOOK_SECRET) or offered
    return ConnectionInput(
        kind=kind,
        name=typed.get("name", ""),
        base_url=typed.get("base_url", ""),
        settings=_named(typed, SETTING),
        secrets=secrets,
        environment=_environment(typed),
        jurisdiction=typed.get("jurisdiction", ""),
        partner_id=_partner(typed.get("partner_id", "")),
        credentials_expire_on=typed.get("credentials_expire_on", ""),
        skip_test="skip_test" in typed,
        draft="draft" in typed,
    )


def to_changes(typed: Typed) -> ConnectionChanges:
    """Return all settings, and the typed credentials. An empty credential is not changed, unless it is marked for
    removal.

    Raises InvalidInput.
    """
    removed = dict.fromkeys((name.removeprefix(REMOVE) for name in typed if name.startswith(REMOVE)), "")
    return ConnectionChanges(
        name=typed.get("name", ""),
        base_url=typed.get("base_url", ""),
        settings=_named(typed, SETTING),
        secrets=removed | {name: value for name, value in _named(typed, SECRET).items() if value},
        environment=_environment(typed),
        jurisdiction=typed.get("jurisdiction", ""),
        credentials_expire_on=typed.get("credentials_expire_on", ""),
        partner_id=_partner_text(typed),
        skip_test="skip_test" in typed,
    )


def new_typed(manifest: Manifest) -> dict[str, str]:
    """Initial fields of the form of a new connection."""
    defaults = {f"{SETTING}{field.name}": field.default for field in manifest.settings}
    return {"name": manifest.title, "environment": manifest.environment, **defaults}


def offered_secret(manifest: Manifest, typed: Typed) -> str:
    """Webhook secret for the form of a new connection: the one that it showed before, else a new one; empty for a kind
    that needs none.
    """
    if not any(field.name == HOOK_SECRET for field in manifest.secrets):
        return ""
    shown = typed.get(OFFERED, "")
    return shown if is_made_secret(shown) else make_hook_secret(new_secret)


def typed_of(detail: ConnectionDetail) -> dict[str, str]:
    """Fields of the form of a stored connection."""
    return {
        "name": detail.name,
        "base_url": detail.base_url,
        "environment": detail.environment,
        "jurisdiction": detail.jurisdiction,
        "credentials_expire_on": detail.credentials_expire_on.isoformat() if detail.credentials_expire_on else "",
        "partner_id": str(detail.partner_id or ""),
        "revision": str(detail.revision),
        **{f"{SETTING}{name}": value for name, value in detail.settings.items()},
    }


def errors_of(manifest: Manifest, refusal: DomainError | None) -> dict[str, str]:
    """Error sentences by field of the form; an error of no field is under the empty name."""
    if refusal is None:
        return {}
    field = str(refusal.extra.get("field", ""))
    if field in {one.name for one in manifest.secrets}:
        field = SECRET + field
    elif field in {one.name for one in manifest.settings}:
        field = SETTING + field
    return {field: refusal.detail}


def _named(typed: Typed, beginning: str) -> dict[str, str]:
    return {name.removeprefix(beginning): value for name, value in typed.items() if name.startswith(beginning)}


def _environment(typed: Typed) -> Environment:
    try:
        return Environment(typed.get("environment", ""))
    except ValueError:
        raise InvalidInput(N_("Choose whether the system is live or a sandbox."), field="environment") from None


def _partner(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput(N_("Choose one of this account's partners."), field="partner_id") from None


def _partner_text(typed: Typed) -> str | None:
    """Return the partner's id, empty for none; None without the field, as in an account without partners. Raises
    InvalidInput.
    """
    if "partner_id" not in typed:
        return None
    return str(_partner(typed["partner_id"]) or "")
