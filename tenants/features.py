"""Features of an account's administration that plans can limit or switch off."""

from typing import Final

from foundation.entitlements.features import Feature
from foundation.marks import N_, NN_
from foundation.relations import AUDIT_ENTRIES
from tenants.audit_actions import TenantAction
from tenants.permissions import TenantPermission
from tenants.states import AccountStatus

MEMBER_FEATURE: Final = Feature(
    code="members",
    label=N_("Members"),
    path="/members",
    permission=TenantPermission.READ_MEMBERS,
    unit=NN_("{number} member", "{number} members"),
    count=f"""
        SELECT count(*) FROM member
         WHERE tenant_id = :t AND partner_id IS NULL AND status <> '{AccountStatus.SUSPENDED}'
    """,
)
API_KEY_FEATURE: Final = Feature(
    code="api_keys",
    label=N_("API keys"),
    path="/api-keys",
    permission=TenantPermission.READ_API_KEYS,
    unit=NN_("{number} API key", "{number} API keys"),
    count="""
        SELECT count(*) FROM api_key
         WHERE tenant_id = :t AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
    """,
)
SINGLE_SIGN_ON_FEATURE: Final = Feature(
    code="single_sign_on",
    label=N_("Single sign-on"),
    path="/members/single-sign-on",
    permission=TenantPermission.READ_MEMBERS,
)
EXPORT_FEATURE: Final = Feature(
    code="exports",
    label=N_("Exports of lists per month"),
    unit=NN_("{number} export a month", "{number} exports a month"),
    count=f"""
        SELECT count(*) FROM {AUDIT_ENTRIES} a
         WHERE tenant_id = :t AND action = '{TenantAction.LIST_EXPORTED}'
           AND at >= date_trunc('month', CAST(:now AS timestamptz), 'UTC')
    """,
    per_month=True,
)
FEATURES: Final = (MEMBER_FEATURE, API_KEY_FEATURE, SINGLE_SIGN_ON_FEATURE, EXPORT_FEATURE)
