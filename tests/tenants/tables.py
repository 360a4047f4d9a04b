"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(
        name="client",
        update=(
            "language name region requests_per_account requests_per_caller revision staff_access status "
            "suspended_at time_zone"
        ),
        fleet=True,
    ),
    DeclaredTable(
        name="member",
        update=(
            "accepted_at confirmed_at confirmed_by invite_hash invite_until invited_at invited_by inviter_id "
            "language last_seen_at password_hash shortcuts signed_out_after status time_zone vouched_by"
        ),
        fleet=True,
        parameter="member_id",
        watched=True,
    ),
    DeclaredTable(name="msp", update="language requests_per_account requests_per_caller time_zone", fleet=True),
    DeclaredTable(
        name="partner",
        update="kind name status",
        fleet=True,
        parameter="partner_id",
        key="partner_id",
        row={"status": "active"},
    ),
)
