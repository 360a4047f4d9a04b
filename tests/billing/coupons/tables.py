"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="client_coupon", update="end_reason ended_at ended_by", fleet=True, row={"duration": "once", "percent": 1}
    ),
    DeclaredTable(name="coupon", update="retired_at retired_by", fleet=True, row={"duration": "once", "percent": 1}),
)
