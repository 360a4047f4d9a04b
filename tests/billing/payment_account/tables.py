"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="payment_account",
        update=(
            "can_charge checked_at connected external_id id key_hint mode provider refused_hooks "
            "requirements restriction secret_key set_at set_by signing_secret swept_at"
        ),
        row={"provider": "manual", "mode": "test"},
    ),
)
