"""Preview and renewal of credentials by the holder of a reconnect link: no session is needed and none is started."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from branding.brand import Brand
from branding.client_brands import read_client_brand
from connectors.manifest import SettingField
from connectors.reconnect_links import ReconnectToken, list_asked_fields, open_reconnect_link, use_reconnect_link
from connectors.runtime import ConnectorRuntime
from foundation.scope import Actor, Scope
from governance.notices import CREDENTIALS_RENEWED
from tenants.accounts import get_client
from tenants.auth.services import AuthServices
from tenants.notifications.notify import notify

PATH: Final = "/reconnect"
"""Path of the link's page; the token follows."""
ACTOR: Final = Actor.system("reconnect-link")


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """A link that was opened at network address `address`, on a host of this MSP. `token` is parsed, not verified."""

    msp_id: UUID
    token: ReconnectToken
    address: str

    @property
    def scope(self) -> Scope:
        return Scope(msp_id=self.msp_id, tenant_id=self.token.tenant_id, actor=ACTOR)


@dataclass(frozen=True, slots=True)
class AskedCredentials:
    """Content of the link's page: the client, the connection, and the credentials to enter."""

    brand: Brand
    client: str
    name: str
    system: str
    host: str
    fields: Sequence[SettingField]


async def preview_reconnect(
    auth: AuthServices, runtime: ConnectorRuntime, link: OpenedLink, brand: Brand
) -> AskedCredentials:
    """Read the content of the link's page. Raises ReconnectLinkNotValid, SignInThrottled: too many invalid links
    before.
    """
    now = auth.clock()
    counted = f"reconnect:{link.token.connection_id}"
    attempt = await auth.throttle.reserve(msp_id=link.msp_id, email=counted, address=link.address, now=now)
    async with auth.db.transaction(link.scope) as session:
        found = await open_reconnect_link(session, link.token, now=now)
        connector = runtime.registry[found.kind]
        asked = AskedCredentials(
            (await read_client_brand(session)).over(brand), (await get_client(session)).name, found.name,
            connector.manifest.title, urlsplit(found.base_url).hostname or "", list_asked_fields(connector),
        )  # fmt: skip
    await auth.throttle.release(attempt)
    return asked


async def renew_credentials(
    auth: AuthServices, runtime: ConnectorRuntime, link: OpenedLink, secrets: Mapping[str, str], *, expire_on: str
) -> None:
    """Save the credentials of a valid link once they have passed their test, and notify the members who may change the
    connection. Failed tests are counted, so that a link cannot be used to try passwords.

    Raises:
        SignInThrottled: too many tests failed before.
        Others as `connectors.reconnect_links.use_reconnect_link`.
    """
    now = auth.clock()
    counted = f"reconnect-test:{link.token.connection_id}"
    attempt = await auth.throttle.reserve(msp_id=link.msp_id, email=counted, address=link.address, now=now)
    async with auth.db.transaction(link.scope) as session:
        name = await use_reconnect_link(session, runtime, link.token, secrets, expire_on=expire_on, now=now)
        _notify(session, link, name, now)
    await auth.throttle.release(attempt)


def _notify(session: AsyncSession, link: OpenedLink, name: str, now: datetime) -> None:
    connection_id = link.token.connection_id
    path = f"{CREDENTIALS_RENEWED.path}/{connection_id}"
    params = {"connection": name}
    notify(session, CREDENTIALS_RENEWED, topic=str(connection_id), path=path, at=now, params=params)
