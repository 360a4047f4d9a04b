"""Stripe's form encoding: `items[0][price]=p`, decoded and typed by the schema of the operation."""

import re
from collections.abc import Iterable
from typing import Any

import jsonschema_rs

from tests.support.stripe_fake.annotations import Schema

_PART = re.compile(r"[^\[\]]+")


def decode_form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested dictionaries; lists have their positions as keys, and `name[]` counts up."""
    nested: dict[str, Any] = {}
    for key, value in pairs:
        path = _PART.findall(key)
        if key.endswith("[]"):
            path.append("")
        here = nested
        for part in path[:-1]:
            here = here.setdefault(part, {})
        here[path[-1] or str(len(here))] = value
    return nested


def fit(schema: Schema, value: Any, defs: dict[str, Schema]) -> Any:
    """Form values converted to the types of the schema; unknown ones stay text."""
    if "$ref" in schema:
        schema = defs[schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        for one in schema["anyOf"]:
            fitted = fit(one, value, defs)
            if jsonschema_rs.is_valid({**one, "$defs": defs}, fitted):
                return fitted
        return fit(schema["anyOf"][0], value, defs)
    if isinstance(value, dict):
        if schema.get("type") == "array":
            ordered = sorted(value.items(), key=lambda item: int(item[0]) if item[0].isdigit() else 0)
            return [fit(schema["items"], one, defs) for _, one in ordered]
        others = schema.get("additionalProperties")
        other = others if isinstance(others, dict) else {}
        return {name: fit(schema.get("properties", {}).get(name, other), one, defs) for name, one in value.items()}
    return _scalar(schema.get("type"), value)


def _scalar(kind: str | None, value: Any) -> Any:
    if kind == "integer" and re.fullmatch(r"-?\d+", str(value)):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
        return float(value)
    if kind == "boolean" and value in {"true", "false", "True", "False"}:
        return value in {"true", "True"}
    if kind == "array" and value == "":
        return []
    return value
