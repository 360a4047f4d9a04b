"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="limit_notice"),
    DeclaredTable(
        name="usage_limit",
        update=(
            "changed_at changed_by hard_limit included is_on override_limit override_reason override_until soft_limit"
        ),
    ),
    DeclaredTable(name="usage_reservation", update="amount_minor ended_at settled state", row={"state": "reserved"}),
)
