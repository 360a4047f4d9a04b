"""Tables and the rights on them, for the tests of isolation."""

from tests.support.declared_tables import DeclaredTable

TABLES = (
    DeclaredTable(name="member_totp", update="confirmed_at created_at last_step secret", delete=True),
    DeclaredTable(name="passkey", update="last_used_at sign_count", delete=True, parameter="passkey_id", watched=True),
    DeclaredTable(name="recovery_code", delete=True),
    DeclaredTable(name="second_factor_rule", delete=True),
)
