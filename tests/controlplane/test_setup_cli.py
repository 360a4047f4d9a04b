"""Setting clients and their people up from the command line."""

import json
import secrets
from urllib.parse import urlsplit

from sqlalchemy import text

from controlplane.onboarding import Person, add_person, onboard_client, onboard_msp
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.scope import Scope
from tenants.people import accept_invite, find_person, read_invite
from tests.controlplane.test_cli import PASSWORD, run_program, tenancy


async def a_client(services: Services) -> Scope:
    slug = secrets.token_hex(4)
    house = await onboard_msp(services, name=f"MSP {slug}", slug=f"msp-{slug}")
    return await onboard_client(services, house, name="Client", slug=f"client-{slug}", currency="EUR")


async def audited(services: Services, scope: Scope) -> set[tuple[str, str]]:
    """What was done, and by whom."""
    async with services.db.transaction(scope) as session:
        bodies = await session.scalars(
            text("SELECT body FROM audit_entry WHERE tenant_id = :t"), {"t": scope.tenant_id}
        )
        entries = [json.loads(body) for body in bodies]
    return {(entry["action"], entry["actor"]["name"]) for entry in entries}


class TestPasswordLink:
    async def test_the_operator_gives_a_link_to_somebody_who_forgot_their_password(
        self, environment: dict[str, str | None], services: Services
    ) -> None:
        client = await a_client(services)
        ada = Person("ada@example.com", "Ada", PASSWORD, "client_admin")
        await add_person(services, client, ada)
        status, told = await run_program(
            environment, "tenant", "password-link", *tenancy(client), "--email", "Ada@Example.com"
        )
        assert status == 0, told
        link = urlsplit(told.splitlines()[0]).path
        password = "another long password of a test"
        prepared = await services.door.passwords.prepare(password, email=ada.email)
        async with services.db.transaction(client) as session:
            before = (await find_person(session, ada.email)).password_hash
            invite = read_invite(link.removeprefix("/welcome/"))
            await accept_invite(session, invite, password_hash=prepared, now=utc_now())
            session.expire_all()
            assert (await find_person(session, ada.email)).password_hash == prepared != before
        assert ("person.invited", "operator") in await audited(services, client)

    async def test_who_is_not_there_gets_none(self, environment: dict[str, str | None], services: Services) -> None:
        client = await a_client(services)
        status, told = await run_program(
            environment, "tenant", "password-link", *tenancy(client), "--email", "eve@example.com"
        )
        assert (status, told) == (1, "Error: Nobody in this account has this address.\n")
