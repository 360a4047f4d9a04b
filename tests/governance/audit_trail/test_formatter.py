"""Sentences of audit entries: they contain names and values, never ids or names of the code."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from controlplane.rooms import ROOMS
from governance.audit_trail.formatter import Named, find_ids, format_entry
from governance.audit_trail.schemas import AuditEntryView
from governance.exception_types import ExceptionType
from governance.labels import write_kind

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CHANGE, SHOP, ANA = (f"0190a0f0-0000-7000-8000-00000000000{n}" for n in range(1, 4))
NAMES = {CHANGE: Named("SKU-1", "price.list", "EUR"), SHOP: Named("Web shop"), ANA: Named("Ana Reyes")}


def entry(action: str, subject: str, data: dict[str, Any]) -> AuditEntryView:
    return AuditEntryView(1, AT, "worker", action, subject, data, "")


@pytest.mark.parametrize(
    ("given", "title", "about", "text"),
    [
        (
            entry("propagation.verified", f"change:{CHANGE}", {"connection": SHOP, "read": 1530, "version": 2}),
            "Visible on a channel", "SKU-1, list price", "€15.30 on Web shop",
        ),
        (
            entry("approval.refused", SHOP[:-1] + "9", {
                "subject_kind": "change", "subject_id": CHANGE, "content": "ab" * 32, "reason": "Too much.",
            }),
            "Declined", "SKU-1, list price", "reason Too much.",
        ),
        (
            entry(
                "exception.opened", f"exception:{CHANGE}:{SHOP}", {"code": "propagation.slo_breached", "severity": 56}
            ),
            "Exception opened", "SKU-1, list price, Web shop", "late on a channel, severity 56",
        ),
        (
            entry("contract.published", "contract:stock.on_hand", {"source": SHOP, "owner": "Pricing"}),
            "Contract published", "Stock on hand", "source Web shop, owner Pricing",
        ),
        (
            entry("exception.opened", "exception:x", {"code": "change.refused", "severity": 56, "title": "Refused"}),
            "Exception opened", "x", "Refused, severity 56",
        ),
        (
            entry(
                "reference.updated", "record:SKU-1", {"element": "price.cost", "old": 5, "new": 6, "currency": "EUR"}
            ),
            "Reference value updated", "SKU-1, cost", "€0.05 → €0.06",
        ),
        (entry("sign_in.succeeded", f"member:{ANA}", {}), "Signed in", "Ana Reyes", ""),
        (entry("person.suspended", f"person:{ANA}", {"reason": "x"}), "Member suspended", "Ana Reyes", "reason x"),
        (entry("person.signed_out", f"person:{ANA}", {}), "Signed out", "Ana Reyes", ""),
        (entry("policy.published", "policy:3", {}), "Policy published", "Policy 3", ""),
        (entry("api_key.revoked", f"api_key:{ANA[:-1]}9", {"name": "Shop"}), "API key revoked", "", "name Shop"),
    ],
)  # fmt: skip
def test_an_entry_is_formatted_as_text(given: AuditEntryView, title: str, about: str, text: str) -> None:
    formatted = format_entry(given, NAMES, ROOMS.audit_labels)
    assert (formatted.title, formatted.about, formatted.text, formatted.by) == (title, about, text, "Automatic")


def test_the_ids_that_need_names_are_those_of_the_subject_and_the_data() -> None:
    found = find_ids([entry("x", f"change:{CHANGE}", {"connection": SHOP}), entry("y", "contract:price.list", {})])
    assert {str(one) for one in found} == {CHANGE, SHOP}


def test_every_exception_type_has_its_own_title() -> None:
    words = [write_kind(code) for code in ExceptionType]
    assert len(set(words)) == len(words)
    assert not [text for text in words if re.search(r"[._]", text)]
    assert write_kind("some.new_code") == "Some new code"
