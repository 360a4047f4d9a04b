"""Check of a connection's settings against its connector's manifest. Values are texts, as a form has them."""

from collections.abc import Mapping
from typing import Final

from connectors.manifest import FieldKind, Manifest, SettingField
from foundation.errors import InvalidInput
from foundation.marks import N_, Phrase
from foundation.outbound.errors import OutboundRefused
from foundation.outbound.guard import check_url
from foundation.text import is_storable
from tenants.regions import REGION

LONGEST_SETTING: Final = 2000


def check_settings(manifest: Manifest, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Raises InvalidInput with the missing, unknown or malformed field."""
    fields = {field.name: field for field in manifest.fields}
    given = dict(settings) | dict(secrets)
    for name in given:
        if name not in fields:
            raise InvalidInput(
                N_("{system} has no setting “{name}”. Remove it."),
                params={"system": manifest.title, "name": name},
                field=name,
            )
        if fields[name].secret != (name in secrets):
            problem = N_("“{label}” is a secret.") if fields[name].secret else N_("“{label}” is not a secret.")
            raise InvalidInput(problem, params={"label": Phrase(fields[name].label)}, field=name)
    for name, field in fields.items():
        _check_value(manifest, field, given.get(name, field.default))


def _check_value(manifest: Manifest, field: SettingField, value: str) -> None:
    if field.required and not value:
        raise InvalidInput(
            N_("{system} needs “{label}”."),
            params={"system": manifest.title, "label": Phrase(field.label)},
            field=field.name,
        )
    if len(value) > LONGEST_SETTING or not is_storable(value):
        raise InvalidInput(
            N_("“{label}” is too long, or has characters that cannot be stored."),
            params={"label": Phrase(field.label)},
            field=field.name,
        )
    if not value or field.fits(value):
        return
    if field.kind is FieldKind.CHOICE:
        raise InvalidInput(
            N_("“{label}” must be one of: {choices}."),
            params={"label": Phrase(field.label), "choices": ", ".join(field.choices)},
            field=field.name,
        )
    raise InvalidInput(
        N_("“{label}” is invalid. {help}"),
        params={"label": Phrase(field.label), "help": Phrase(field.help)},
        field=field.name,
    )


def check_jurisdiction(jurisdiction: str) -> None:
    """Raises InvalidInput unless it is empty or an ISO 3166 code."""
    if jurisdiction and not REGION.fullmatch(jurisdiction):
        raise InvalidInput(
            N_("A jurisdiction is a country or region code of ISO 3166, such as DE or US-CA."), field="jurisdiction"
        )


def clean_address(address: str) -> str:
    """The base address of a system. Raises InvalidInput unless it can be one; whether it may be called is checked at
    each call.
    """
    address = address.strip()
    try:
        check_url(address)
    except OutboundRefused as refused:
        raise InvalidInput(refused.detail, field="base_url") from refused
    if "?" in address or "#" in address:
        raise InvalidInput(N_("Enter the address without ? and #."), field="base_url")
    return address


def origin_of(address: str) -> tuple[bool, str, int]:
    """Target of secrets: scheme, host and port of an address."""
    target = check_url(address)
    return target.secure, target.host, target.port
