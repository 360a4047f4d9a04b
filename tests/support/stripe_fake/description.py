"""Operations and resources of the fake, each described by the SDK when it is first used."""

import ast
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

import jsonschema_rs
import stripe

from tests.support.stripe_fake.annotations import (
    Schema,
    SchemaBuilder,
    list_schema,
    load_module,
    resource_kind,
)

VERSION: Final = stripe.api_version
_SERVICES: Final = """
    customer customer_tax_id customer_payment_method customer_balance_transaction product price account
    account_link checkout.session setup_intent payment_method payment_intent charge invoice invoice_item
    invoice_line_item invoice_payment refund credit_note credit_note_line_item dispute billing.meter
    billing.meter_event billing.meter_event_adjustment billing.meter_event_summary balance_transaction payout
    application_fee application_fee_refund billing_portal.session billing_portal.configuration event
    webhook_endpoint tax_id tax_rate tax.calculation tax.transaction
"""
_RESOURCES: Final = """
    customer product price account account_link charge setup_intent payment_method payment_intent invoice
    invoice_item invoice_line_item invoice_payment refund credit_note credit_note_line_item dispute
    balance_transaction payout application_fee application_fee_refund event webhook_endpoint tax_id tax_rate
    billing.meter
    billing.meter_event billing.meter_event_adjustment billing.meter_event_summary checkout.session
    billing_portal.session billing_portal.configuration customer_balance_transaction
    tax.calculation tax.calculation_line_item tax.transaction tax.transaction_line_item
"""


def _module(name: str, suffix: str = "") -> str:
    *folders, last = name.split(".")
    return ".".join([*folders, f"_{last}{suffix}"])


@dataclass(frozen=True)
class Kind:
    """A resource, such as `invoice`."""

    name: str
    module: str
    cls: str

    @cached_property
    def schema(self) -> Schema:
        return SchemaBuilder().build(self.module, self.cls)

    @cached_property
    def validator(self) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for(self.schema)

    def blank(self) -> dict[str, Any]:
        """The smallest valid object: null where it is allowed, else empty."""
        made = {name: _blank(part, self.schema["$defs"]) for name, part in self.schema["properties"].items()}
        made.pop("deleted", None)
        made["object"] = self.name
        return made


def _blank(schema: Schema, defs: dict[str, Schema]) -> Any:
    if "$ref" in schema:
        schema = defs[schema["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in schema:
        return None if {"type": "null"} in schema["anyOf"] else _blank(schema["anyOf"][0], defs)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _blank(schema["properties"][name], defs) for name in schema.get("required", ())}
    if "pattern" in schema:
        return "0"
    return {"array": [], "integer": 0, "number": 0, "boolean": False, "string": ""}.get(schema.get("type", ""))


@cache
def kinds() -> dict[str, Kind]:
    found = {}
    for resource in _RESOURCES.split():
        module = _module(resource)
        for name, node in load_module(module).classes.items():
            kind = resource_kind(node)
            if kind is not None:
                found[kind] = Kind(kind, module, name)
    return found


@dataclass(frozen=True)
class Operation:
    """One method of a service. `id` is `invoice.finalize_invoice`; `path` a pattern with the names of the ids."""

    id: str
    method: str
    template: str
    module: str
    params: ast.expr | None
    returns: ast.expr

    @cached_property
    def path(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.template))

    @property
    def verb(self) -> str:
        return self.id.rsplit(".", 1)[1]

    @cached_property
    def kind(self) -> str | None:
        """The resource of the answer, or of its items."""
        found = self.answer
        if "data" in found.get("properties", {}):
            found = found["properties"]["data"]["items"]
        kind = found.get("properties", {}).get("object", {}).get("const")
        return None if kind is None else str(kind)

    @cached_property
    def answer(self) -> Schema:
        return SchemaBuilder().annotation(load_module(self.module), self.returns)

    @cached_property
    def answer_validator(self) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for(self.answer)

    @cached_property
    def request(self) -> Schema:
        """The schema of the parameters."""
        if self.params is None:
            return {"type": "object", "properties": {}, "additionalProperties": False, "$defs": {}}
        module = load_module(self.module)
        name = next(str(ast.literal_eval(node)) for node in ast.walk(self.params) if _is_params(node))
        where, real = module.imports[name]
        return SchemaBuilder(is_request=True).build(where, real)

    @cached_property
    def request_validator(self) -> jsonschema_rs.Validator:
        return jsonschema_rs.validator_for(self.request)


def _is_params(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("Params")


@cache
def operations() -> tuple[Operation, ...]:
    """All operations, fixed paths first: `/v1/invoices/search` before `/v1/invoices/{invoice}`."""
    found = [operation for service in _SERVICES.split() for operation in _of_service(service)]
    return tuple(sorted(found, key=lambda one: one.template.count("{")))


def _of_service(service: str) -> list[Operation]:
    module = load_module(_module(service, "_service"))
    methods = next(node for name, node in module.classes.items() if name.endswith("Service"))
    assert isinstance(methods, ast.ClassDef)
    found = []
    for item in methods.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_") or item.returns is None:
            continue
        call = next((node for node in ast.walk(item) if _is_request(node)), None)
        if call is None:
            continue
        assert isinstance(call, ast.Call)
        method, path = call.args[0], call.args[1]
        if isinstance(path, ast.Call):
            path = path.func.value  # type: ignore[attr-defined]
        params = next((one.annotation for one in item.args.args if one.arg == "params"), None)
        found.append(
            Operation(
                id=f"{service}.{item.name}",
                method=ast.literal_eval(method).upper(),
                template=ast.literal_eval(path),
                module=module.name,
                params=params,
                returns=item.returns,
            )
        )
    return found


def _is_request(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_request"


__all__ = ["VERSION", "Kind", "Operation", "kinds", "list_schema", "operations"]
