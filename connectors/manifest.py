"""A connector's `manifest.toml`: its kind, its settings and its limits."""

import re
import tomllib
from pathlib import Path
from typing import Final

import msgspec


class SettingField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    label: str
    secret: bool = False
    required: bool = True
    pattern: str = ""
    help: str = ""
    default: str = ""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of the connector's `manifest.toml`; forms and secret handling are derived from it."""

    kind: str
    title: str
    role: str  # erp | channel
    fields: list[SettingField]
    writes_to_source: bool = False  # False: push back to ERP-owned fields is refused
    requests_per_second: float = 50.0
    burst: int = 100
    docs: str = ""


_ROLES: Final = frozenset({"erp", "channel"})


class ManifestInvalid(Exception):
    """A connector's manifest is invalid; the text names the file and the rule."""


def read_manifest(path: Path) -> Manifest:
    """Unknown keys, unknown roles, broken patterns, repeated names and secrets with a default are errors."""
    try:
        manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as problem:
        raise ManifestInvalid(f"{path}: {problem}") from problem
    if manifest.role not in _ROLES:
        raise ManifestInvalid(f"{path}: role must be one of {', '.join(sorted(_ROLES))}, not {manifest.role!r}.")
    names = [field.name for field in manifest.fields]
    if len(set(names)) != len(names):
        raise ManifestInvalid(f"{path}: two fields share a name.")
    for field in manifest.fields:
        if field.secret and field.default:
            raise ManifestInvalid(f"{path}: the secret {field.name} must not have a default.")
        try:
            re.compile(field.pattern)
        except re.error as problem:
            raise ManifestInvalid(f"{path}: the pattern of {field.name} is not a regular expression.") from problem
        if field.default and field.pattern and not re.fullmatch(field.pattern, field.default):
            raise ManifestInvalid(f"{path}: the default of {field.name} does not match its own pattern.")
    return manifest
