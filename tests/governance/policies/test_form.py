"""The reason of a rule that is edited in the form."""

from collections.abc import Mapping

import pytest

from governance.policies.form import read_fields, without_stale_reason

LARGE = {
    "element": "price.list", "outcome": "review", "change_percent_how": "more_than", "change_percent": "5",
    "reason": "The price changes by more than 5%.",
}  # fmt: skip


@pytest.mark.parametrize(("edit", "kept"), [
    ({"change_percent": "2"}, False),
    ({"outcome": "refuse"}, False),
    ({"currency": "EUR"}, False),
    ({"approvals": "2"}, True),
    ({"change_percent": "2", "reason": "Agreed with the client"}, True),
])  # fmt: skip
def test_a_packaged_reason_goes_with_its_conditions(edit: Mapping[str, str], *, kept: bool) -> None:
    edited = read_fields({**LARGE, **edit})
    assert without_stale_reason(edited, read_fields(LARGE)).reason == (edited.reason if kept else "")


def test_a_reason_of_ones_own_stays() -> None:
    own = {**LARGE, "reason": "As in the contract"}
    assert without_stale_reason(read_fields({**own, "change_percent": "2"}), read_fields(own)).reason == own["reason"]
