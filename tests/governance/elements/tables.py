"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="custom_element", update="retired_at retired_by", fleet=True),
    DeclaredTable(
        name="element_contract",
        update=(
            "approval_ttl_s channels clocks_from correction_slo_ms decision_slo_ms owner propagation_slo_ms "
            "published_at sensitivity source_connection_id value_rules version workflow"
        ),
        delete=True,
        fleet=True,
        row={"workflow": "policy"},
    ),
    DeclaredTable(name="domain_owner", update="changed_at changed_by owner", delete=True, fleet=True),
    DeclaredTable(name="held_observation", update="held_at source_event_id source_version", delete=True, fleet=True),
    DeclaredTable(name="value_hold", update="ended_at ended_by ended_for", fleet=True),
)
