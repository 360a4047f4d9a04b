"""JSON Schema from the type annotations of the installed `stripe` package, which Stripe generates from its OpenAPI
description: nothing is fetched or committed, and the schemas follow the SDK's version.

A field that is a resource of its own (a customer in an invoice) is described by its kind only; `validation` checks each
resource of an answer by its own schema. So every schema stays small, and compiles in milliseconds.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import stripe

Schema = dict[str, Any]
ROOT: Final = Path(stripe.__file__).parent
_DECIMAL: Final = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
_PLAIN: Final[dict[str, Schema]] = {
    "str": {"type": "string"}, "bytes": {"type": "string"}, "int": {"type": "integer"}, "bool": {"type": "boolean"},
    "float": {"type": "number"}, "Decimal": _DECIMAL,
}  # fmt: skip
_NULL: Final[Schema] = {"type": "null"}
_LISTS: Final = {"ListObject": "list", "SearchResultObject": "search_result"}


@dataclass(frozen=True)
class Module:
    """A parsed module of the SDK. `imports`: local name to (module, name)."""

    name: str
    classes: dict[str, ast.ClassDef | ast.Call]
    imports: dict[str, tuple[str, str]]


@cache
def load_module(name: str) -> Module:
    """`name` below the package: `_invoice`, `params._invoice_create_params`."""
    tree = ast.parse((ROOT / (name.replace(".", "/") + ".py")).read_bytes())
    module = Module(name, {}, {})
    for node in _statements(tree.body):
        if isinstance(node, ast.ClassDef):
            module.classes[node.name] = node
        elif (
            isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _name(node.value.func) == "TypedDict"
        ):
            module.classes[_name(node.targets[0])] = node.value
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stripe."):
            found = (node.module or "").removeprefix("stripe.")
            module.imports.update({item.asname or item.name: (found, item.name) for item in node.names})
    return module


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):  # imports for type checkers
            yield from node.body


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def resource_kind(node: ast.ClassDef | ast.Call | None) -> str | None:
    """The `object` of a resource's class, such as `billing.meter`; None for another class."""
    if not isinstance(node, ast.ClassDef):
        return None
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and _name(item.target) == "OBJECT_NAME" and item.value is not None:
            return str(ast.literal_eval(item.value))
    return None


def any_of(parts: Sequence[Schema]) -> Schema:
    flat: list[Schema] = []
    for part in parts:
        for one in part["anyOf"] if set(part) == {"anyOf"} else [part]:
            if one not in flat:
                flat.append(one)
    return flat[0] if len(flat) == 1 else {"anyOf": flat}


def _array(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _mapping(item: Schema) -> Schema:
    return {"type": "object", "additionalProperties": item}


def _itself(item: Schema) -> Schema:
    return item


_WRAPPERS: Final[dict[str, Callable[[Schema], Schema]]] = {
    "Optional": lambda item: any_of([item, _NULL]),
    "ExpandableField": lambda item: any_of([_PLAIN["str"], item]),
    **dict.fromkeys(("NotRequired", "Required"), _itself),
    **dict.fromkeys(("List", "list", "Sequence"), _array),
    **dict.fromkeys(("Dict", "dict", "Mapping", "UntypedStripeObject"), _mapping),
}


@dataclass
class SchemaBuilder:
    """Builds one schema; nested classes become its `$defs`. `is_request`: the parameters of a request."""

    is_request: bool = False
    defs: dict[str, Schema] = field(default_factory=dict)

    def build(self, module: str, name: str) -> Schema:
        """The schema of a class, complete with its `$defs`."""
        found = self._reference(load_module(module), name, top=True)
        return {**self.defs.pop(found["$ref"].removeprefix("#/$defs/")), "$defs": self.defs}

    def annotation(self, module: Module, node: ast.expr) -> Schema:
        """An annotation outside a class, such as a service's return type."""
        return self._convert(node, module, ())

    def _convert(self, node: ast.expr, module: Module, scope: tuple[ast.ClassDef, ...]) -> Schema:
        if isinstance(node, ast.Constant):
            if node.value is None:
                return {"type": "null"}
            return self._convert(ast.parse(str(node.value), mode="eval").body, module, scope)
        if isinstance(node, ast.BinOp):
            return self._union([node.left, node.right], module, scope)
        if isinstance(node, ast.Subscript):
            return self._generic(node, module, scope)
        return self._named(_name(node), module, scope)

    def _generic(self, node: ast.Subscript, module: Module, scope: tuple[ast.ClassDef, ...]) -> Schema:
        head, inner = _name(node.value), node.slice
        items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if head == "Literal":
            return {"enum": [ast.literal_eval(one) for one in items]}
        if head == "Union":
            return self._union(items, module, scope)
        if head not in _WRAPPERS and head not in _LISTS:
            return {}
        found = self._convert(items[-1], module, scope)
        return list_schema(_LISTS[head], found) if head in _LISTS else _WRAPPERS[head](found)

    def _union(self, items: Sequence[ast.expr], module: Module, scope: tuple[ast.ClassDef, ...]) -> Schema:
        """An open enumeration (literals, or any text) is closed: the fake must not invent values. The empty text
        beside text means "unset" and stays open.
        """
        found = [self._convert(one, module, scope) for one in items]
        literals = [one for one in found if "enum" in one]
        if literals and any(one["enum"] != [""] for one in literals):
            found = [one for one in found if one != _PLAIN["str"]]
        return any_of(found)

    def _named(self, name: str, module: Module, scope: tuple[ast.ClassDef, ...]) -> Schema:
        if name in _PLAIN:
            return dict(_PLAIN[name])
        for depth in range(len(scope), 0, -1):
            for item in scope[depth - 1].body:
                if isinstance(item, ast.ClassDef) and item.name == name:
                    return self._class(item, module, (*scope[:depth], item))
        if name in module.classes:
            return self._reference(module, name)
        if name in module.imports:
            where, real = module.imports[name]
            return (
                self._reference(load_module(where), real) if (ROOT / (where.replace(".", "/") + ".py")).exists() else {}
            )
        return {}

    def _reference(self, module: Module, name: str, *, top: bool = False) -> Schema:
        found = module.classes.get(name)
        if found is None:
            return {}
        kind = resource_kind(found)
        if kind is not None and not top:
            return {"type": "object", "required": ["object"], "properties": {"object": {"const": kind}}}
        if isinstance(found, ast.Call):
            return self._typed_dict(found, module)
        return self._class(found, module, (found,))

    def _class(self, node: ast.ClassDef, module: Module, scope: tuple[ast.ClassDef, ...]) -> Schema:
        key = re.sub(r"\W", "_", f"{module.name}__{'__'.join(one.name for one in scope)}")
        if key not in self.defs:
            self.defs[key] = {}
            properties, required = self._fields(node, module, scope)
            if self.is_request:
                properties.pop("expand", None)
            self.defs[key].update(closed_object(properties, required))
        return {"$ref": f"#/$defs/{key}"}

    def _fields(
        self, node: ast.ClassDef, module: Module, scope: tuple[ast.ClassDef, ...]
    ) -> tuple[dict[str, Schema], list[str]]:
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for base in node.bases:
            parent = module.classes.get(_name(base))
            if isinstance(parent, ast.ClassDef):
                inherited, needed = self._fields(parent, module, (parent,))
                properties |= inherited
                required += needed
            elif isinstance(parent, ast.Call):
                keys = self._typed_dict(parent, module)
                properties |= keys["properties"]
                required += keys.get("required", [])
        for item in node.body:
            if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
                continue
            head = _name(item.annotation.value) if isinstance(item.annotation, ast.Subscript) else ""
            if head == "ClassVar" or item.target.id.startswith("_"):
                continue
            properties[item.target.id] = self._convert(item.annotation, module, scope)
            if head not in {"Optional", "NotRequired"}:
                required.append(item.target.id)
        return properties, required

    def _typed_dict(self, node: ast.Call, module: Module) -> Schema:
        """`TypedDict("Name", {"from": NotRequired[str]})`: for keys that are keywords of Python."""
        fields = node.args[1]
        assert isinstance(fields, ast.Dict)
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for key, value in zip(fields.keys, fields.values, strict=True):
            name = str(ast.literal_eval(key)) if key is not None else ""
            properties[name] = self._convert(value, module, ())
            source = ast.unparse(value)
            if "NotRequired" not in source and "Optional" not in source:
                required.append(name)
        return closed_object(properties, required)


def closed_object(properties: dict[str, Schema], required: Sequence[str]) -> Schema:
    return {
        "type": "object", "properties": properties, "additionalProperties": False, "required": sorted(set(required)),
    }  # fmt: skip


def list_schema(kind: str, item: Schema) -> Schema:
    properties: dict[str, Schema] = {
        "object": {"const": kind},
        "data": {"type": "array", "items": item},
        "has_more": {"type": "boolean"},
        "url": {"type": "string"},
    }
    required = list(properties)
    if kind == "search_result":
        properties |= {"next_page": any_of([_PLAIN["str"], {"type": "null"}]), "total_count": {"type": "integer"}}
    return closed_object(properties, required)
