"""Bodies of the API of second factors."""

from datetime import datetime

import msgspec

from tenants.factors.models import SecondFactorRule


class SecondFactorRuleView(msgspec.Struct, frozen=True):
    """Members with this role need a second factor; `*` is every member of the account."""

    role: str
    set_at: datetime
    set_by: str


class FactorsView(msgspec.Struct, frozen=True):
    """`app_since` is null without an authenticator app; `recovery_codes` is the number of unused ones."""

    app_since: datetime | None
    recovery_codes: int
    passkeys: int


def rule_view(rule: SecondFactorRule) -> SecondFactorRuleView:
    return SecondFactorRuleView(rule.role, rule.set_at, rule.set_by)
