"""`expand`, and the parts of objects that are returned on request only."""

from typing import Any

from tests.support.stripe_fake.description import kinds
from tests.support.stripe_fake.errors import invalid
from tests.support.stripe_fake.store import AccountStore, Object, copy, page

_ON_REQUEST = {"invoice": ("payments", "confirmation_secret")}


def present(account: AccountStore, answer: Object) -> Object:
    """The object without parts on request, and with lists derived from other objects."""
    for one in _resources(answer):
        for name in _ON_REQUEST.get(str(one.get("object")), ()):
            one.pop(name, None)
    return answer


def _resources(value: Any) -> list[Object]:
    if isinstance(value, list):
        return [found for one in value for found in _resources(one)]
    if not isinstance(value, dict):
        return []
    nested = [found for one in value.values() for found in _resources(one)]
    return [value, *nested] if isinstance(value.get("object"), str) else nested


def expand(account: AccountStore, answer: Object, paths: list[str]) -> Object:
    """Expand the paths. Raises Refused: a path cannot be expanded."""
    for path in paths:
        if path.count(".") > 3:
            raise invalid("property_too_deep", "You cannot expand more than 4 levels of a property", "expand")
        parts = path.split(".")
        if answer.get("object") in {"list", "search_result"}:
            if parts[0] != "data":
                raise _unknown(path)
            for one in answer["data"]:
                _expand(account, one, parts[1:], path)
        else:
            _expand(account, answer, parts, path)
    return answer


def _expand(account: AccountStore, here: Object, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    kind = kinds().get(str(here.get("object")))
    if kind is not None and name not in kind.schema["properties"]:
        raise _unknown(path)
    if here.get("object") == "invoice" and name in _ON_REQUEST["invoice"]:
        here[name] = _of_invoice(account, here, name)
    value = here.get(name)
    if isinstance(value, str) and value in account.objects:
        value = here[name] = present(account, copy(account.objects[value]))
    if not rest or value is None:
        return
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            _expand(account, one, rest, path)
    if isinstance(value, dict) and value.get("object") == "list" and rest[0] == "data":
        for one in value["data"]:
            _expand(account, one, rest[1:], path) if rest[1:] else None


def _of_invoice(account: AccountStore, invoice: Object, name: str) -> Any:
    stored = account.objects[invoice["id"]]
    if name == "confirmation_secret":
        return copy(stored.get("_confirmation_secret"))
    payments = [copy(one) for one in account.of_kind("invoice_payment") if one["invoice"] == invoice["id"]]
    return page(payments, f"/v1/invoice_payments?invoice={invoice['id']}")


def _unknown(path: str) -> Exception:
    return invalid("property_not_expandable", f"This property cannot be expanded ({path}).", "expand")
