"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="payment_event", update="finished_at state", purge=True, row={"via": "sweep"}),
    DeclaredTable(
        name="payment_request", update="answer attempts external_id finished_at state", row={"state": "pending"}
    ),
    DeclaredTable(
        name="provider_invoice",
        update=(
            "answer attempts charge_attempts charge_failure charged_at credited_minor disputed_minor "
            "disputes external_id failure next_charge_at paid_minor paid_outside_minor payment_url problem "
            "read_at refunded_here_minor refunded_minor status total_minor"
        ),
        delete=True,
        fleet=True,
    ),
)
