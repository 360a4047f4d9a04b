"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="onboarding", update="checked_at live_at live_by live_by_id", fleet=True),
    DeclaredTable(name="onboarding_waiver", update="reason waived_at waived_by waived_by_id", delete=True, fleet=True),
)
