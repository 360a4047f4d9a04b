"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="external_identity", update="used_at", delete=True),
    DeclaredTable(
        name="identity_provider",
        update=(
            "checks_factors client_id client_secret creates_members default_role group_roles groups_claim "
            "issuer mode name set_at set_by tested_at"
        ),
        delete=True,
        fleet=True,
    ),
    DeclaredTable(name="sign_in_domain", update="checked_at result token verified_at", delete=True, fleet=True),
)
