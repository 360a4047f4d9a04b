"""Audited actions of this room."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class AccountAction(AuditAction, kind=AuditKind.SETTINGS):
    MSP_CREATED = "msp.created", N_("MSP created")
    LANE_SHARE_SET = "lane_share.set", N_("Share of the workers set")
    ACCOUNT_PREFERENCES_CHANGED = "account.preferences_changed", N_("Language and time zone of the account changed")


class TenantAction(AuditAction, kind=AuditKind.ACCESS):
    CLIENT_CREATED = "client.created", N_("Client created")
    CLIENT_CHANGED = "client.changed", N_("Client changed")
    CLIENT_SUSPENDED = "client.suspended", N_("Client suspended")
    CLIENT_RESUMED = "client.resumed", N_("Client resumed")
    API_KEY_CREATED = "api_key.created", N_("API key created")
    API_KEY_ROTATED = "api_key.rotated", N_("API key rotated")
    API_KEY_TOKEN_REVOKED = "api_key.token_revoked", N_("Access token revoked")
    API_KEY_REVOKED = "api_key.revoked", N_("API key revoked")
    MEMBER_CREATED = "member.created", N_("Member created")
    MEMBER_PASSWORD_SET = "member.password_set", N_("Password set")
    MEMBER_INVITED = "member.invited", N_("Member invited")
    MEMBER_INVITATION_WITHDRAWN = "member.invitation_withdrawn", N_("Invitation withdrawn")
    MEMBER_INVITATION_REFUSED = "member.invitation_refused", N_("Invitation refused")
    MEMBER_SIGN_IN_UNBLOCKED = "member.sign_in_unblocked", N_("Sign-in unblocked")
    MEMBER_PREFERENCES_CHANGED = "member.preferences_changed", N_("Language and time zone changed")
    MEMBER_CONFIRMED = "member.confirmed", N_("Member confirmed")
    MEMBER_SUSPENDED = "member.suspended", N_("Member suspended")
    MEMBER_RESUMED = "member.resumed", N_("Member resumed")
    MEMBER_SIGNED_OUT = "member.signed_out", N_("Signed out")
    MEMBER_SIGNED_OUT_EVERYWHERE = "member.signed_out_everywhere", N_("Signed out everywhere")
    IMPERSONATION_STARTED = "impersonation.started", N_("Service provider began to view as this member")
    IMPERSONATION_ENDED = "impersonation.ended", N_("Service provider stopped viewing as this member")
    IMPERSONATION_ACT_REFUSED = "impersonation.act_refused", N_("Refused while viewing as this member")
    SIGN_IN_FAILED = "sign_in.failed", N_("Sign-in failed")
    SIGN_IN_SUCCEEDED = "sign_in.succeeded", N_("Signed in")
    SIGN_IN_REFUSED = "sign_in.refused", N_("Sign-in refused")
    LIST_EXPORTED = "list.exported", N_("List exported")
