"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="scim_token",
        update=(
            "created_at created_by last_used_at owner_home owner_id previous_hash previous_owner_home "
            "previous_owner_id previous_until secret_hash"
        ),
        delete=True,
    ),
    DeclaredTable(name="scim_user", update="attributes external_id removed suspended_at"),
)
