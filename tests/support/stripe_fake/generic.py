"""Common behaviour of resources: create, retrieve, update, delete, list with paging, and search."""

import re
from typing import Any

from tests.support.stripe_fake.description import Operation, kinds
from tests.support.stripe_fake.errors import Refused, invalid, missing
from tests.support.stripe_fake.store import Call, Object, page

_OWN = {"limit", "starting_after", "ending_before"}
_TERM = re.compile(r"(metadata\['(?P<key>[^']+)'\]|(?P<field>\w+)):'(?P<value>[^']*)'")
_NAMES = {"billing.meter": "billing.meter", "tax_id": "customer.tax_id"}
_PARENTS = {"customer_tax_id": "customer", "customer_payment_method": "customer", "invoice_line_item": "invoice"}


def answer_generic(operation: Operation, call: Call, path: str) -> Object:
    kind = operation.kind
    if kind not in kinds():
        raise Refused(501, "not_in_fake", f"{operation.id} is not in this fake", kind="api_error")
    if operation.verb == "list":
        filters = {name: value for name, value in call.params.items() if name not in _OWN}
        parent = _PARENTS.get(operation.id.rsplit(".", 1)[0])
        if parent is not None:
            call.need(call.ids[0], parent)
            filters[parent] = call.ids[0]
        return list_page(call, [one for one in call.account.of_kind(kind) if _matches(one, filters)], path)
    if operation.verb == "search":
        return _search(call, kind, path)
    if operation.verb == "create":
        made = call.make(kind, **{name: value for name, value in call.params.items() if name in _fields(kind)})
        return _with_event(call, kind, "created", made)
    if operation.verb not in {"retrieve", "update", "delete"}:
        raise Refused(501, "not_in_fake", f"{operation.id} is not in this fake", kind="api_error")
    found = call.need(call.ids[-1], kind)
    if operation.verb == "retrieve":
        return found
    if operation.verb == "delete":
        del call.account.objects[found["id"]]
        _with_event(call, kind, "deleted", found)
        return {"id": found["id"], "object": kind, "deleted": True}
    update(call, found)
    return _with_event(call, kind, "updated", found)


def update(call: Call, found: Object) -> None:
    """Change the given fields. Metadata is merged, and an empty text removes its key, or a field."""
    for name, value in call.params.items():
        if name == "metadata":
            merged = {**found["metadata"], **(value or {})}
            found["metadata"] = {key: one for key, one in merged.items() if one != ""}
        elif name in _fields(found["object"]):
            nested = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = {**found[name], **value} if nested else (None if value == "" else value)


def list_page(call: Call, items: list[Object], url: str) -> Object:
    """A page of a list, newest first; ten objects without `limit`."""
    newest = list(reversed(items))
    limit = call.params.get("limit", 10)
    if not 1 <= limit <= 100:
        raise invalid("parameter_invalid_integer", "This value must be between 1 and 100.", "limit")
    places = {one["id"]: place for place, one in enumerate(newest)}
    for name in ("starting_after", "ending_before"):
        if call.params.get(name, "") and call.params[name] not in places:
            raise missing("object", call.params[name], name)
    if "ending_before" in call.params:
        before = newest[: places[call.params["ending_before"]]]
        return page(before[-limit:], url, has_more=len(before) > limit)
    start = places[call.params["starting_after"]] + 1 if "starting_after" in call.params else 0
    return page(newest[start : start + limit], url, has_more=len(newest) > start + limit)


def _fields(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = kinds()[kind].schema["properties"]
    return found


def _matches(one: Object, filters: dict[str, Any]) -> bool:
    return all(_matches_one(one, name, value) for name, value in filters.items())


def _matches_one(one: Object, name: str, value: Any) -> bool:
    if name in {"lookup_keys", "types"}:
        return bool(one.get("lookup_key" if name == "lookup_keys" else "type") in value)
    have = one.get("_payout" if name == "payout" else name)
    if isinstance(value, dict) and isinstance(have, int):
        lowest, highest = max(value.get("gte", have), value.get("gt", have - 1) + 1), value.get("lte", have)
        return bool(lowest <= have <= highest and have < value.get("lt", have + 1))
    if isinstance(value, dict):
        return bool(isinstance(have, dict) and _matches(have, value))
    return bool(have == value) if name == "payout" or name in one else True


def _search(call: Call, kind: str, url: str) -> Object:
    """Search. Objects younger than a minute are not found: Stripe's index is eventually consistent."""
    terms = list(_TERM.finditer(call.params["query"]))
    if not terms:
        raise invalid("search_query_invalid", "We were unable to parse your search query.", "query")
    found = [
        one
        for one in call.account.of_kind(kind)
        if one["created"] <= call.now - 60
        and all(
            (one["metadata"].get(term["key"]) if term["key"] else one.get(term["field"])) == term["value"]
            for term in terms
        )
    ]
    listed = list_page(call, found, url)
    return {**listed, "object": "search_result", "next_page": None, "total_count": len(found)}


def _with_event(call: Call, kind: str, what: str, subject: Object) -> Object:
    if kind not in {"event", "billing_portal.session", "webhook_endpoint", "billing_portal.configuration"}:
        call.emit(f"{_NAMES.get(kind, kind)}.{what}", subject)
    return subject
