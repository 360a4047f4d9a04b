"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="tax_calculation",
        update=(
            "account_id answer calculated_at details external_id failed_at failure net_minor problem question_hash "
            "recorded_at rule tax_day tax_minor transaction_id"
        ),
        fleet=True,
    ),
)
