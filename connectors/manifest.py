"""A connector's `manifest.toml`: its kind, writable elements, settings and limits."""

import re
import tomllib
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from canonical.dimensions import LABELS, parse_dimension
from canonical.keys import PRODUCT, ElementKey
from tenants.states import Environment

ANY: Final = "*"
"""Wildcard in a `WriteRule`: every element, or every dimension."""


class WriteRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values that a connector can write and read back: one element, or ANY of the record type, undivided or divided by
    no other than the named `dimensions`.
    """

    element: str
    record_type: str = PRODUCT
    dimensions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name as stored with a connection: the element's code, `*` for every element of products, or `customer.*` for
        every one of another type of records.
        """
        return f"{self.record_type}.{ANY}" if self.element == ANY and self.record_type != PRODUCT else self.element

    def accepts(self, key: ElementKey) -> bool:
        """Whether the value of `key` can be written. Raises InvalidDimension."""
        if key.record_type != self.record_type or self.element not in {ANY, key.element}:
            return False
        return ANY in self.dimensions or all(name in self.dimensions for name, _ in parse_dimension(key.dimension))


class FieldKind(StrEnum):
    """Form of a setting. A LIST is a text with commas between its parts, a DAY is one such as 2026-12-01."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a form of field
    CHOICE = "choice"
    NUMBER = "number"
    LIST = "list"
    DAY = "day"


class Category(StrEnum):
    ERP = "erp"
    SHOP = "shop"
    MARKETPLACE = "marketplace"


class SettingField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One setting of a connector. `choices` are the values of a CHOICE; `pattern` is a regular expression."""

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    pattern: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    default: str = ""

    @property
    def secret(self) -> bool:
        return self.kind is FieldKind.SECRET

    def fits(self, value: str) -> bool:
        """Whether a value that is not empty has the field's form."""
        if self.choices and value not in self.choices:
            return False
        if self.kind is FieldKind.DAY and not _is_day(value):
            return False
        return not self.pattern or re.fullmatch(self.pattern, value) is not None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Content of the connector's `manifest.toml`; forms and secret handling are derived from it.

    `reports`: elements of which the system can be the source of truth, ANY for all. `environment`: the default of
    forms.
    """

    kind: str
    title: str
    category: Category
    fields: list[SettingField]
    requests_per_second: float = 50.0
    burst: int = 100
    description: str = ""
    environment: Environment = Environment.LIVE
    writes: tuple[WriteRule, ...] = ()
    reports: tuple[str, ...] = ()

    @property
    def secrets(self) -> list[SettingField]:
        return [field for field in self.fields if field.secret]

    @property
    def settings(self) -> list[SettingField]:
        """The fields that are not secret."""
        return [field for field in self.fields if not field.secret]


class ManifestInvalid(Exception):
    """A connector's manifest is invalid; the text names the file and the rule."""


@cache
def read_manifest(path: Path) -> Manifest:
    """Read once per process. Unknown keys, unknown dimensions, broken patterns, repeated names and secrets with a
    default are errors.
    """
    try:
        manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as problem:
        raise ManifestInvalid(f"{path}: {problem}") from problem
    for rule in manifest.writes:
        if unknown := set(rule.dimensions) - LABELS.keys() - {ANY}:
            raise ManifestInvalid(f"{path}: {rule.element} has unknown dimensions: {', '.join(sorted(unknown))}.")
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
        if (field.kind is FieldKind.CHOICE) is not bool(field.choices):
            raise ManifestInvalid(f"{path}: {field.name} must have choices if it is a choice, and only then.")
        if field.default and not field.fits(field.default):
            raise ManifestInvalid(f"{path}: the default of {field.name} does not match its own pattern.")
    return manifest


def _is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False
