"""Request context of a handler: one open transaction, in one scope, for one principal, with the page shell."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand
from branding.shell import Account, Bell, LooksAs, NavGroup, Onlooker, Page, Viewer
from foundation.errors import DomainError, NotFound
from foundation.i18n.localizer import translate
from foundation.scope import Scope
from foundation.web.saved_views import ListViews
from policy.index import PolicyIndex
from policy.role_labels import role_label
from tenants.auth.sessions import Session
from tenants.models import Client
from tenants.permissions import TenantPermission
from tenants.principal import Principal
from tenants.roles import leading_roles

EnterHome = Callable[[], Awaitable[None]]
AfterCommit = Callable[[], Awaitable[None]]
EnterAccount = Callable[[UUID], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Handler parameter `access`. The transaction commits before the response starts, so refusals must be raised, never
    returned.

    `client` is the client in the path; None for the MSP account. `index` is the policy that admitted the request.
    `enter_home` switches the rest of the transaction to the caller's own account: a fleet scope reads only.
    `leave_partner` lifts the limits of a partner's scope for the audit record, because partners never write.
    `enter_account` switches it to another account of a staff member's MSP, `enter_fleet` to reading all of them.
    `signed_in` is a person's session, `looks_as` its impersonation, and `onlookers` are the impersonations of the
    client's members. `after_commit` runs after the transaction is committed, and not if it is rolled back.
    `list_views` are the member's views of the page's list, if it has one.
    """

    session: AsyncSession
    scope: Scope
    principal: Principal
    brand: Brand
    index: PolicyIndex
    now: datetime
    nav: tuple[NavGroup, ...]
    account: Account
    csrf_token: str
    boosted: bool
    enter_home: EnterHome
    leave_partner: EnterHome
    enter_account: EnterAccount
    enter_fleet: EnterHome
    client: Client | None = None
    notices: tuple[DomainError, ...] = ()
    signed_in: Session | None = None
    looks_as: LooksAs | None = None
    onlookers: tuple[Onlooker, ...] = ()
    after_commit: list[AfterCommit] = field(default_factory=list)
    list_views: ListViews | None = None

    @property
    def root(self) -> str:
        """Root address of the account's pages; empty in the MSP's own account."""
        return "" if self.client is None else f"/clients/{self.client.slug}"

    def may(self, permission: str) -> bool:
        """Whether to show a control; the handler's own permission was checked before the call."""
        return self.principal.may(permission)

    def require_client(self) -> Client:
        """Raises NotFound outside a client's pages."""
        if self.client is None:
            raise NotFound
        return self.client

    def _bell(self) -> Bell | None:
        """Notifications of the caller's own account: staff have one list for all clients."""
        if self.principal.kind != "member" or not self.principal.may(TenantPermission.READ_NOTIFICATIONS):
            return None
        home = self.principal.home
        root = "" if home is None else f"/clients/{home.slug}"
        return Bell(href=f"{root}/notifications", unread=self.principal.unread)

    def page(self, title: str) -> Page:
        leading = leading_roles(self.index, self.principal.roles)
        role = ", ".join(role_label(one, self.index.role_names) for one in leading) or translate("No role")
        return Page(
            brand=self.brand,
            title=title,
            now=self.now,
            csrf_token=self.csrf_token,
            nav=self.nav,
            viewer=Viewer(name=self.principal.name, role=role),
            account=self.account,
            bell=self._bell(),
            support_email="" if self.principal.home is None else self.brand.support_email,
            search_href="" if self.principal.partner_id else f"{self.root}/search",
            boosted=self.boosted,
            notices=self.notices,
            looks_as=self.looks_as,
            onlookers=self.onlookers,
        )
