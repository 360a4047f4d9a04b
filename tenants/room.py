"""Parts of this room."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tenants.models
from foundation.marks import N_
from foundation.rooms import AppServices, MenuSection, NavArea, NavEntry, Room, WebPart
from foundation.web.rate_limit import RateLimiter
from policy.cache import PolicyCache
from tenants.api_keys.commands import COMMANDS
from tenants.api_keys.pages import API_KEY_PAGES
from tenants.api_usage.slice import SLICE as API_USAGE
from tenants.audit_actions import AccountAction, TenantAction
from tenants.auth.challenges import Challenges
from tenants.auth.devices import Devices
from tenants.auth.pages import PAGES, provide_auth
from tenants.auth.passwords import Passwords
from tenants.auth.services import AuthServices
from tenants.auth.sessions import SessionStore
from tenants.auth.throttle import SignInThrottle
from tenants.auth.tickets import TicketStore
from tenants.brands.slice import SLICE as BRANDS
from tenants.client_brands.slice import SLICE as CLIENT_BRANDS
from tenants.custom_roles.slice import SLICE as CUSTOM_ROLES
from tenants.delegated_access.slice import SLICE as DELEGATED_ACCESS
from tenants.factors.factors import SecondFactors
from tenants.features import FEATURES
from tenants.impersonation.slice import SLICE as IMPERSONATION
from tenants.invitations.commands import INVITATION_COMMANDS
from tenants.invitations.pages import INVITATION_PAGES
from tenants.list_views.slice import SLICE as LIST_VIEWS
from tenants.mail.mailer import Mailer
from tenants.mail_admin.slice import SLICE as MAIL
from tenants.members.commands import MEMBER_COMMANDS
from tenants.members.meters import ACTIVE_MEMBERS
from tenants.members.pages import ADMINISTRATION_PAGES
from tenants.members.rights import MemberRights
from tenants.members.routes import ADMINISTRATION_ROUTES
from tenants.members.search import SEARCHED_MEMBERS
from tenants.notifications.slice import SLICE as NOTIFICATIONS
from tenants.oauth.routes import OAUTH_ROUTES
from tenants.partners.slice import SLICE as PARTNERS
from tenants.passkeys.slice import SLICE as PASSKEYS
from tenants.password_change.slice import SLICE as PASSWORD_CHANGE
from tenants.password_reset.slice import SLICE as PASSWORD_RESET
from tenants.permissions import TenantPermission
from tenants.preferences.pages import PREFERENCE_PAGES
from tenants.preferences.routes import PREFERENCE_ROUTES
from tenants.rate_limits.slice import SLICE as RATE_LIMITS
from tenants.routes import ROUTES
from tenants.scim.slice import SLICE as SCIM
from tenants.second_factor.slice import SLICE as SECOND_FACTOR
from tenants.secrets import new_secret
from tenants.security.slice import SLICE as SECURITY
from tenants.single_sign_on.slice import SLICE as SINGLE_SIGN_ON
from tenants.welcome.pages import WELCOME_PAGES


def _services(services: AppServices) -> Sequence[object]:
    policies, sessions_key = services.get(PolicyCache), services.settings.sessions_key
    mailer = Mailer(services.vault, services.new_id, is_certain=services.settings.mail.is_certain)
    auth = AuthServices(
        db=services.db,
        policies=policies,
        sessions=SessionStore(services.valkey, new_secret, sessions_key),
        passwords=Passwords(),
        throttle=SignInThrottle(services.valkey),
        devices=Devices(new_secret, sessions_key),
        clock=services.clock,
        new_secret=new_secret,
        move_clocks=services.rooms.move_clocks,
        mailer=mailer,
        tickets=TicketStore(services.valkey, new_secret, sessions_key),
        factors=SecondFactors(services.vault, new_secret),
        challenges=Challenges(services.valkey, new_secret, sessions_key),
        limiter=RateLimiter(services.valkey, services.metrics),
        permissions=services.rooms.permission_labels,
    )
    return auth, MemberRights(services.db, policies), mailer


def _web(services: AppServices) -> WebPart:
    return WebPart(dependencies={"auth": provide_auth(services.get(AuthServices))})


def _members(area: NavArea) -> NavEntry:
    return NavEntry(
        area=area,
        section=MenuSection.ACCOUNT,
        position=30,
        label=N_("Members"),
        path="/members",
        icon="members",
        permission=TenantPermission.READ_MEMBERS,
    )


def _api_keys(area: NavArea) -> NavEntry:
    return NavEntry(
        area=area,
        section=MenuSection.ACCOUNT,
        position=33,
        label=N_("API keys"),
        path="/api-keys",
        icon="key",
        permission=TenantPermission.READ_API_KEYS,
    )


ROOM: Final = Room(
    name="tenants",
    models=(tenants.models,),
    services=_services,
    routes=(*ROUTES, *ADMINISTRATION_ROUTES, *PREFERENCE_ROUTES, *OAUTH_ROUTES),
    pages=(*PAGES, *WELCOME_PAGES, *ADMINISTRATION_PAGES, *INVITATION_PAGES, *PREFERENCE_PAGES, *API_KEY_PAGES),
    web=_web,
    folder=Path(__file__).parent,
    navigation=(
        _members(NavArea.MSP),
        _members(NavArea.CLIENT),
        _api_keys(NavArea.MSP),
        _api_keys(NavArea.CLIENT),
    ),
    permissions=(TenantPermission,),
    audit_actions=(AccountAction, TenantAction),
    meters=(ACTIVE_MEMBERS,),
    features=FEATURES,
    search_sources=(SEARCHED_MEMBERS,),
    commands=(*COMMANDS, *MEMBER_COMMANDS, *INVITATION_COMMANDS),
    slices=(
        API_USAGE,
        BRANDS,
        CLIENT_BRANDS,
        CUSTOM_ROLES,
        DELEGATED_ACCESS,
        IMPERSONATION,
        LIST_VIEWS,
        MAIL,
        NOTIFICATIONS,
        PARTNERS,
        PASSKEYS,
        PASSWORD_CHANGE,
        PASSWORD_RESET,
        RATE_LIMITS,
        SCIM,
        SECOND_FACTOR,
        SECURITY,
        SINGLE_SIGN_ON,
    ),
)
