from contextlib import nullcontext
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from foundation.errors import NotFound
from foundation.ids import new_id
from foundation.scope import Actor
from policy.errors import RoleNotAssignable
from tenants.accounts import suspend_client
from tenants.auth.api_keys import (
    KeyParts,
    NewApiKey,
    create_api_key,
    key_text,
    list_api_keys,
    parse_key,
    revoke_api_key,
)
from tenants.auth.identity import find_caller, identify
from tenants.auth.services import AuthServices
from tenants.errors import ApiKeyRefused, Suspended
from tenants.models import ApiKey
from tenants.principal import Principal, fleet_scope
from tenants.secrets import new_secret
from tests.tenants.conftest import NOW, Tenant, Ticking


async def make_key(auth: AuthServices, tenant: Tenant, role: str = "machine") -> tuple[ApiKey, str]:
    """Create a key as the operator; administrators' keys may manage access."""
    async with auth.db.transaction(tenant.scope) as session:
        manages = role.endswith("_admin") and tenant.scope.actor.kind == "system"
        wanted = NewApiKey(new_id(), "Webshop", role, manages_access=manages)
        return await create_api_key(session, new_secret, wanted, now=NOW)


async def machine_of(auth: AuthServices, msp: Tenant, key: str) -> Principal:
    caller = await find_caller(auth, msp_id=msp.scope.msp_id, authorization=f"Bearer {key}", cookie="")
    assert caller is not None
    async with auth.db.transaction(caller.scope) as session:
        found = await identify(session, auth, caller)
    assert found is not None
    return found


async def use(auth: AuthServices, msp: Tenant, key: str) -> object:
    return (await machine_of(auth, msp, key)).id


class TestUsing:
    async def test_a_key_is_a_machine_at_home_in_its_tenant(
        self, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        key, shown = await make_key(auth, client)
        principal = await machine_of(auth, msp, shown)
        assert (principal.kind, principal.id, principal.name) == ("machine", key.id, "Webshop")
        assert (principal.tenant_id, principal.roles) == (client.scope.tenant_id, ("machine",))
        with pytest.raises(NotFound):
            fleet_scope(principal)

    async def test_a_key_resolves_to_its_member_through_other_keys(
        self, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        ada = Actor("member", str(new_id()), "Ada")
        for tenant, role in ((client, "client_admin"), (msp, "msp_admin")):
            by_ada = Tenant(replace(tenant.scope, actor=ada), tenant.slug)
            machine = await machine_of(auth, msp, (await make_key(auth, by_ada, role))[1])
            expected = Actor("machine", str(machine.id), "Webshop", on_behalf_of=ada.id, roles=machine.roles)
            assert machine.actor == expected
            by_key = Tenant(replace(tenant.scope, actor=machine.actor), tenant.slug)
            assert (await machine_of(auth, msp, (await make_key(auth, by_key, role))[1])).on_behalf_of_id == UUID(
                ada.id
            )
        by_nobody = Tenant(replace(client.scope, actor=Actor.system("operator")), client.slug)
        assert (await machine_of(auth, msp, (await make_key(auth, by_nobody))[1])).actor.on_behalf_of == ""

    async def test_its_text_is_stored_nowhere_and_names_no_product(self, auth: AuthServices, client: Tenant) -> None:
        key, shown = await make_key(auth, client)
        assert shown.startswith("key_")
        secret = shown[-43:]
        async with auth.db.transaction(client.scope) as session:
            rows = await session.execute(
                text("SELECT k::text FROM api_key k WHERE tenant_id = :t"), {"t": client.scope.tenant_id}
            )
            audit = await session.execute(
                text("SELECT string_agg(body, '') FROM audit_entry WHERE tenant_id = :t"), {"t": client.scope.tenant_id}
            )
            kept = f"{rows.scalars().all()} {audit.scalar_one()}"
        assert secret not in kept
        assert str(key.id) in kept

    async def test_a_wrong_secret_is_refused(self, auth: AuthServices, msp: Tenant, client: Tenant) -> None:
        _, shown = await make_key(auth, client)
        _, other = await make_key(auth, client)
        with pytest.raises(ApiKeyRefused):
            await use(auth, msp, shown[:-43] + other[-43:])
        await use(auth, msp, shown)

    async def test_an_unknown_key_is_refused_like_a_wrong_one(
        self, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        _, shown = await make_key(auth, client)
        unknown = f"key_{client.scope.tenant_id.hex}{new_id().hex}_{shown[-43:]}"
        with pytest.raises(ApiKeyRefused) as first:
            await use(auth, msp, unknown)
        with pytest.raises(ApiKeyRefused) as second:
            await use(auth, msp, shown[:-43] + "A" * 43)
        assert first.value.detail == second.value.detail

    async def test_a_revoked_key_is_refused(self, auth: AuthServices, msp: Tenant, client: Tenant) -> None:
        key, shown = await make_key(auth, client)
        async with auth.db.transaction(client.scope) as session:
            await revoke_api_key(session, key_id=key.id, now=NOW)
        with pytest.raises(ApiKeyRefused):
            await use(auth, msp, shown)

    async def test_a_key_does_not_exist_on_another_msps_host(
        self, auth: AuthServices, client: Tenant, other_msp: Tenant
    ) -> None:
        _, shown = await make_key(auth, client)
        with pytest.raises(ApiKeyRefused):
            await use(auth, other_msp, shown)

    async def test_a_key_renamed_to_another_tenant_is_refused(
        self, auth: AuthServices, msp: Tenant, client: Tenant, sibling: Tenant
    ) -> None:
        key, shown = await make_key(auth, client)
        forged = f"key_{sibling.scope.tenant_id.hex}{key.id.hex}_{shown[-43:]}"
        with pytest.raises(ApiKeyRefused):
            await use(auth, msp, forged)

    async def test_a_suspended_clients_key_is_refused(self, auth: AuthServices, msp: Tenant, client: Tenant) -> None:
        _, shown = await make_key(auth, client)
        async with auth.db.transaction(client.scope) as session:
            await suspend_client(session, reason="unpaid", now=NOW)
        with pytest.raises(Suspended):
            await use(auth, msp, shown)
        with pytest.raises(ApiKeyRefused):
            await use(auth, msp, shown[:-43] + "A" * 43)

    async def test_a_key_of_an_msp_account_reads_the_fleet(self, auth: AuthServices, msp: Tenant) -> None:
        _, shown = await make_key(auth, msp, role="msp_operator")
        principal = await machine_of(auth, msp, shown)
        assert fleet_scope(principal).fleet

    async def test_use_is_noted_once_a_minute(
        self, auth: AuthServices, msp: Tenant, client: Tenant, clock: Ticking
    ) -> None:
        _, shown = await make_key(auth, client)
        seen = []
        for seconds in (0, 59, 1):
            clock.forward(seconds=seconds)
            await use(auth, msp, shown)
            async with auth.db.transaction(client.scope) as session:
                seen.append((await list_api_keys(session)).items[0].last_used_at)
        assert [(at - NOW).total_seconds() for at in seen if at is not None] == [0, 0, 60]


class TestKeeping:
    async def test_keys_are_listed_and_revoked_in_their_own_tenant_only(
        self, auth: AuthServices, client: Tenant, sibling: Tenant, foreigner: Tenant
    ) -> None:
        key, _ = await make_key(auth, client)
        for elsewhere in (sibling, foreigner):
            async with auth.db.transaction(elsewhere.scope) as session:
                assert list((await list_api_keys(session)).items) == []
                with pytest.raises(NotFound):
                    await revoke_api_key(session, key_id=key.id, now=NOW)
        async with auth.db.transaction(client.scope) as session:
            assert [(k.id, k.revoked_at) for k in (await list_api_keys(session)).items] == [(key.id, None)]

    async def test_revoking_twice_preserves_the_first_time(
        self, auth: AuthServices, client: Tenant, clock: Ticking
    ) -> None:
        key, _ = await make_key(auth, client)
        for _ in range(2):
            async with auth.db.transaction(client.scope) as session:
                await revoke_api_key(session, key_id=key.id, now=clock())
            clock.forward(hours=1)
        async with auth.db.transaction(client.scope) as session:
            assert (await list_api_keys(session)).items[0].revoked_at == NOW
            actions = await session.execute(
                text("SELECT count(*) FROM audit_entry WHERE tenant_id = :t AND action = 'api_key.revoked'"),
                {"t": client.scope.tenant_id},
            )
            assert actions.scalar_one() == 1

    @pytest.mark.parametrize("role", ["msp_admin", "msp_operator", "partner", "root", ""])
    async def test_a_clients_key_cannot_have_an_msps_role(self, auth: AuthServices, client: Tenant, role: str) -> None:
        with pytest.raises(RoleNotAssignable):
            await make_key(auth, client, role)

    async def test_a_keys_rights_are_limited_to_its_creators(
        self, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        home, msp_account = client.scope, msp.scope
        approver = Principal("member", new_id(), "Eve", home.msp_id, home.tenant_id, None, ("client_approver",))
        operator = Principal(
            "member", new_id(), "Op", msp_account.msp_id, msp_account.tenant_id, None, ("msp_operator",)
        )
        cases = [
            (client, approver, "machine", True), (client, approver, "client_approver", True),
            (client, approver, "client_admin", False), (client, operator, "client_admin", True),
            (msp, operator, "msp_operator", True), (msp, operator, "msp_admin", False),
        ]  # fmt: skip
        for tenant, by, role, allowed in cases:
            async with auth.db.transaction(tenant.scope) as session:
                with nullcontext() if allowed else pytest.raises(RoleNotAssignable):
                    await create_api_key(session, new_secret, NewApiKey(new_id(), "K", role), by=by, now=NOW)

    async def test_a_key_of_an_msp_account_cannot_have_a_clients_role(self, auth: AuthServices, msp: Tenant) -> None:
        with pytest.raises(RoleNotAssignable):
            await make_key(auth, msp, "client_admin")


class TestText:
    @given(st.text(max_size=120))
    def test_malformed_keys_are_refused(self, shown: str) -> None:
        with pytest.raises(ApiKeyRefused):
            parse_key(shown)

    @given(st.uuids(), st.uuids(), st.binary(min_size=32, max_size=32))
    def test_a_written_key_is_parsed(self, tenant_id: UUID, key_id: UUID, secret: bytes) -> None:
        parts = KeyParts(tenant_id, key_id, secret)
        assert parse_key(key_text(parts)) == parts
        assert "secret" not in repr(parts)
