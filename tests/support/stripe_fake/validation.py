"""Checks of requests and answers against the SDK's types."""

from typing import Any

import jsonschema_rs

from tests.support.stripe_fake.description import Operation, kinds
from tests.support.stripe_fake.errors import Refused
from tests.support.stripe_fake.forms import fit

_CODES = {"additionalProperties": "parameter_unknown", "required": "parameter_missing"}


def check_request(operation: Operation, nested: dict[str, Any]) -> dict[str, Any]:
    """The typed parameters. Raises Refused, as Stripe refuses them."""
    typed: dict[str, Any] = fit(operation.request, nested, operation.request["$defs"])
    for wrong in operation.request_validator.iter_errors(typed):
        words = {str(part) for part in wrong.schema_path}
        code = next((code for word, code in _CODES.items() if word in words), "parameter_invalid")
        where = [str(part) for part in wrong.instance_path]
        raise Refused(400, code, wrong.message[:200], param="".join([*where[:1], *(f"[{one}]" for one in where[1:])]))
    return typed


def check_answer(operation: Operation, answer: dict[str, Any]) -> None:
    """Check an answer. Raises Refused (500) for an error of the fake itself."""
    if answer.get("deleted"):
        if set(answer) != {"id", "object", "deleted"}:
            raise Refused(500, "fake_outside_description", f"{operation.id}: {answer}", kind="api_error")
        return
    _first(operation.id, operation.answer_validator, answer)
    _check_resources(operation.id, answer)


def _check_resources(where: str, value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _check_resources(where, one)
    elif isinstance(value, dict):
        kind = kinds().get(str(value.get("object")))
        if kind is not None and not value.get("deleted"):
            _first(f"{where} {kind.name}", kind.validator, value)
        for one in value.values():
            _check_resources(where, one)


def _first(where: str, validator: jsonschema_rs.Validator, value: Any) -> None:
    for wrong in validator.iter_errors(value):
        message = f"{where} {[str(one) for one in wrong.instance_path]} {wrong.message[:300]}"
        raise Refused(500, "fake_outside_description", message, kind="api_error")
