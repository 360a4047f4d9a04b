"""States of accounts, members, invitations and requests for access, and uses of API keys."""

from enum import StrEnum
from typing import Final

from foundation.codes import LabelledCode
from foundation.marks import N_
from foundation.state_machine import StateMachine


class KeyUse(LabelledCode):
    KEY = "key", N_("Sent with each request")
    OAUTH_CLIENT = "oauth_client", N_("OAuth 2 client")
    """Accepted by the token endpoint only."""


class AccountStatus(StrEnum):
    """Status of accounts and members. Suspension keeps all records and removes all rights."""

    ACTIVE = "active"
    INVITED = "invited"
    SUSPENDED = "suspended"


class ClientStatus(StrEnum):
    """The part of `AccountStatus` that an account has."""

    ACTIVE = AccountStatus.ACTIVE.value
    SUSPENDED = AccountStatus.SUSPENDED.value


class PartnerKind(LabelledCode):
    OEM = "oem", N_("Manufacturer")
    DISTRIBUTOR = "distributor", N_("Distributor")
    RESELLER = "reseller", N_("Reseller")
    LOGISTICS = "logistics", N_("Logistics provider")
    FIELD_SERVICE = "field_service", N_("Field service")


class PartnerStatus(LabelledCode):
    """Status of a trading partner. Suspension refuses the partner's members; the channel continues."""

    ACTIVE = AccountStatus.ACTIVE.value, N_("Active")
    SUSPENDED = AccountStatus.SUSPENDED.value, N_("Suspended")


class Environment(StrEnum):
    """Purpose of a connected system, or of a client. No value passes between a live and a sandbox connection, and a
    sandbox client has sandbox connections only.
    """

    LIVE = "live"
    SANDBOX = "sandbox"


class InvitationState(StrEnum):
    """Derived from a member's link and password, not stored."""

    WAITING = "waiting"
    EXPIRED = "expired"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


CLIENTS: Final = StateMachine(
    ClientStatus,
    starts=[ClientStatus.ACTIVE],
    transitions={
        ClientStatus.ACTIVE: [ClientStatus.SUSPENDED],
        ClientStatus.SUSPENDED: [ClientStatus.ACTIVE],
    },
)
PARTNERS: Final = StateMachine(
    PartnerStatus,
    starts=[PartnerStatus.ACTIVE],
    transitions={
        PartnerStatus.ACTIVE: [PartnerStatus.SUSPENDED],
        PartnerStatus.SUSPENDED: [PartnerStatus.ACTIVE],
    },
)
MEMBERS: Final = StateMachine(
    AccountStatus,
    starts=[AccountStatus.INVITED],
    transitions={
        AccountStatus.INVITED: [AccountStatus.ACTIVE, AccountStatus.SUSPENDED],
        AccountStatus.ACTIVE: [AccountStatus.SUSPENDED],
        # One who never set a password is invited again after a suspension.
        AccountStatus.SUSPENDED: [AccountStatus.ACTIVE, AccountStatus.INVITED],
    },
)
INVITATIONS: Final = StateMachine(
    InvitationState,
    starts=[InvitationState.WAITING],
    transitions={
        InvitationState.WAITING: [InvitationState.ACCEPTED, InvitationState.EXPIRED, InvitationState.WITHDRAWN],
        InvitationState.EXPIRED: [InvitationState.WAITING, InvitationState.ACCEPTED, InvitationState.WITHDRAWN],
        InvitationState.WITHDRAWN: [InvitationState.WAITING, InvitationState.ACCEPTED],
    },
)
"""The operator's command sets a password in any of them, which accepts the invitation."""


class AccessState(LabelledCode):
    """State of a request. Granted access ends when its end has passed, without a change of the state."""

    REQUESTED = "requested", N_("Waiting for an answer")
    GRANTED = "granted", N_("Granted")
    REFUSED = "refused", N_("Refused")
    WITHDRAWN = "withdrawn", N_("Withdrawn")
    REVOKED = "revoked", N_("Revoked")


class StaffAccess(LabelledCode):
    """Access of an MSP's staff to a client: always, with the roles of their own account, or with consent each time."""

    STANDING = "standing", N_("Always")
    ON_REQUEST = "on_request", N_("On request only")


ACCESS: Final = StateMachine(
    AccessState,
    starts=[AccessState.REQUESTED],
    transitions={
        AccessState.REQUESTED: [AccessState.GRANTED, AccessState.REFUSED, AccessState.WITHDRAWN],
        AccessState.GRANTED: [AccessState.REVOKED],
    },
)
