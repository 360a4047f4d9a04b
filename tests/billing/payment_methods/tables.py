"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="payment_profile",
        update=(
            "account_id agreed_at agreed_by awaits charges_automatically customer_id methods problem read_at session_id"
        ),
    ),
)
