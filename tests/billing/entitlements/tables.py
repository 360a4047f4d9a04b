"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="entitlement_rule", update="changed_at changed_by hard_limit is_on soft_limit", delete=True, fleet=True
    ),
)
