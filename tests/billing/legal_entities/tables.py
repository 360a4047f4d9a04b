"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="billing_details",
        update="city country email name payer_id po_number postcode street updated_at vat_id",
        fleet=True,
    ),
    DeclaredTable(
        name="legal_entity",
        update=(
            "bic city country credit_note_format dunning_days email grace_days iban language name "
            "number_format payment_days postcode street tax_code tax_number tax_source time_zone updated_at vat_check "
            "vat_check_days vat_id"
        ),
        fleet=True,
    ),
    DeclaredTable(name="number_series", update="last"),
    DeclaredTable(name="tax_rate", fleet=True, row={"category": "S"}),
)
