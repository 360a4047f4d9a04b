import hashlib
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.errors import NotFound
from foundation.ids import new_id
from policy.publishing import assign_role, revoke_role
from tenants.accounts import resume_client, suspend_client
from tenants.auth.passwords import OWASP_PARAMETERS, Passwords, check_password
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import authenticate
from tenants.emails import clean_email
from tenants.errors import EmailTaken, InviteNotValid, SignInFailed, SignInThrottled, Suspended, WeakPassword
from tenants.members.repository import (
    NewMember,
    accept_invite,
    create_invite,
    create_member,
    get_member,
    list_members,
    mark_resumed,
    mark_suspended,
    read_invite,
    set_password,
)
from tenants.partners.manage import create_partner, list_partners
from tenants.roles import leading_roles
from tenants.secrets import new_secret
from tenants.states import PartnerKind
from tests.conftest import Urls
from tests.support.as_owner import change_as_owner
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, Ticking, credentials, make_member


async def audited(db: Database, tenant: Tenant, prefix: str) -> list[tuple[str, str]]:
    async with db.transaction(tenant.scope) as session:
        rows = await session.execute(
            text(
                "SELECT action, subject FROM audit_entry WHERE tenant_id = :t AND starts_with(action, :p) ORDER BY seq"
            ),
            {"t": tenant.scope.tenant_id, "p": prefix},
        )
        return [(row.action, row.subject) for row in rows]


class TestSigningIn:
    async def test_the_right_password_names_the_member_and_its_home(
        self, auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody
    ) -> None:
        principal = await authenticate(auth, credentials(msp, " Ada@Example.com "))
        assert (principal.kind, principal.id, principal.name) == ("member", ada.id, "Ada Lovelace")
        assert (principal.msp_id, principal.tenant_id) == (msp.scope.msp_id, client.scope.tenant_id)
        assert not principal.is_staff
        assert await audited(auth.db, client, "sign_in") == [("sign_in.succeeded", f"member:{ada.id}")]
        async with auth.db.transaction(client.scope) as session:
            assert (await get_member(session, ada.id)).last_seen_at == NOW

    async def test_staff_sign_in_to_the_msp_account(self, auth: AuthServices, msp: Tenant, staff: Somebody) -> None:
        principal = await authenticate(auth, credentials(msp, staff.email))
        assert principal.is_staff
        assert principal.tenant_id == msp.scope.msp_id

    async def test_roles_are_those_held_at_home_now(
        self, auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody
    ) -> None:
        role = "client_approver"
        change: dict[str, Any] = {"member_id": ada.id, "role": role, "clock": auth.clock, "new_id": new_id}
        async with auth.db.transaction(client.scope) as session:
            await assign_role(session, client.scope, **change)
        assert (await authenticate(auth, credentials(msp, ada.email))).roles == ("client_approver", "client_viewer")
        async with auth.db.transaction(client.scope) as session:
            await revoke_role(session, client.scope, **change)
        assert (await authenticate(auth, credentials(msp, ada.email))).roles == ()

    async def test_another_msps_host_does_not_know_the_member(
        self, auth: AuthServices, client: Tenant, other_msp: Tenant, foreigner: Tenant, ada: Somebody
    ) -> None:
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(other_msp, ada.email))
        assert await audited(auth.db, other_msp, "sign_in") == [("sign_in.failed", "sign-in")]
        assert await audited(auth.db, client, "sign_in") == []

    async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
        self, auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody
    ) -> None:
        with pytest.raises(SignInFailed) as wrong:
            await authenticate(auth, credentials(msp, ada.email, "seven calm herons fly"))
        with pytest.raises(SignInFailed) as unknown:
            await authenticate(auth, credentials(msp, "nobody@example.com"))
        assert wrong.value.detail == unknown.value.detail
        assert await audited(auth.db, client, "sign_in") == [("sign_in.failed", f"member:{ada.id}")]
        assert await audited(auth.db, msp, "sign_in") == [("sign_in.failed", "sign-in")]

    @pytest.mark.parametrize("email", ["", "\0", "ada@example.com\0", "a\nda@example.com", "x" * 10_000])
    async def test_odd_addresses_belong_to_no_member(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, email: str
    ) -> None:
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(msp, email))

    async def test_a_member_without_a_password_cannot_sign_in(
        self, auth: AuthServices, msp: Tenant, client: Tenant
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            await create_member(session, NewMember(new_id(), "new@example.com", "New"), now=NOW)
        for password in ("", PASSWORD, "nobody"):
            with pytest.raises(SignInFailed):
                await authenticate(auth, credentials(msp, "new@example.com", password))

    async def test_the_password_selects_between_two_clients(
        self, auth: AuthServices, passwords: Passwords, msp: Tenant, sibling: Tenant, ada: Somebody
    ) -> None:
        second = await make_member(auth.db, passwords, sibling, ada.email, password="nine quiet otters swim")
        assert (await authenticate(auth, credentials(msp, ada.email))).id == ada.id
        assert (await authenticate(auth, credentials(msp, ada.email, "nine quiet otters swim"))).id == second.id

    async def test_an_active_account_is_preferred_to_a_suspended_one(
        self, auth: AuthServices, msp: Tenant, client: Tenant, sibling: Tenant, ada: Somebody
    ) -> None:
        second = await make_member(auth.db, auth.passwords, sibling, ada.email)
        for home, other in ((client, second), (sibling, ada)):
            async with auth.db.transaction(home.scope) as session:
                await suspend_client(session, reason="unpaid", now=NOW)
            assert (await authenticate(auth, credentials(msp, ada.email))).id == other.id
            async with auth.db.transaction(home.scope) as session:
                await resume_client(session, auth, reason="paid", now=NOW)

    async def test_a_hash_of_other_parameters_is_renewed(
        self, auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody
    ) -> None:
        old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
        async with auth.db.transaction(client.scope) as session:
            await session.execute(
                text("UPDATE member SET password_hash = :h WHERE tenant_id = :t AND id = :id"),
                {"h": old, "t": client.scope.tenant_id, "id": ada.id},
            )
        await authenticate(auth, credentials(msp, ada.email))
        async with auth.db.transaction(client.scope) as session:
            renewed = (await get_member(session, ada.id)).password_hash
        assert renewed is not None
        assert renewed != old
        assert not auth.passwords.is_outdated(renewed, PASSWORD)
        await authenticate(auth, credentials(msp, ada.email))


class TestStanding:
    async def test_a_suspension_is_disclosed_only_with_the_right_password(
        self, auth: AuthServices, msp: Tenant, client: Tenant, ada: Somebody
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            await mark_suspended(session, member_id=ada.id, reason="left", now=NOW)
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(msp, ada.email, "wrong, quite wrong"))
        with pytest.raises(Suspended):
            await authenticate(auth, credentials(msp, ada.email))
        assert [action for action, _ in await audited(auth.db, client, "sign_in")] == [
            "sign_in.failed", "sign_in.refused",
        ]  # fmt: skip
        async with auth.db.transaction(client.scope) as session:
            await mark_resumed(session, member_id=ada.id, reason="back", now=NOW)
        await authenticate(auth, credentials(msp, ada.email))

    async def test_a_suspended_clients_members_are_refused_and_its_siblings_are_not(
        self, auth: AuthServices, msp: Tenant, client: Tenant, sibling: Tenant, ada: Somebody
    ) -> None:
        await make_member(auth.db, auth.passwords, sibling, "sib@example.com")
        async with auth.db.transaction(client.scope) as session:
            await suspend_client(session, reason="unpaid", now=NOW)
        with pytest.raises(Suspended):
            await authenticate(auth, credentials(msp, ada.email))
        await authenticate(auth, credentials(msp, "sib@example.com"))

    async def test_a_suspended_msps_members_cannot_sign_in(
        self, auth: AuthServices, urls: Urls, msp: Tenant, staff: Somebody
    ) -> None:
        suspend = "UPDATE msp SET status = 'suspended' WHERE tenant_id = %(t)s"
        change_as_owner(urls.owner, msp.scope, "msp", suspend)
        with pytest.raises(SignInFailed):
            await authenticate(auth, credentials(msp, staff.email))


class TestThrottle:
    async def fail(
        self, auth: AuthServices, msp: Tenant, times: int, email: str = "ada@example.com", **more: str
    ) -> None:
        for _ in range(times):
            with pytest.raises(SignInFailed):
                await authenticate(auth, credentials(msp, email, "wrong, quite wrong", **more))

    async def test_waits_grow_and_the_right_password_waits_too(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, clock: Ticking
    ) -> None:
        await self.fail(auth, msp, 5)
        for seconds in (1, 2, 4, 8):
            with pytest.raises(SignInThrottled) as refused:
                await authenticate(auth, credentials(msp, ada.email))
            assert refused.value.extra["retry_after"] == seconds
            clock.forward(seconds=seconds)
            await self.fail(auth, msp, 1)
        clock.forward(seconds=16)
        await authenticate(auth, credentials(msp, ada.email))
        await self.fail(auth, msp, 5)

    async def test_no_wait_is_longer_than_a_quarter_of_an_hour(
        self, auth: AuthServices, msp: Tenant, clock: Ticking
    ) -> None:
        for _ in range(25):
            clock.forward(minutes=15)
            await self.fail(auth, msp, 1)
        with pytest.raises(SignInThrottled, match="15 minutes") as refused:
            await authenticate(auth, credentials(msp, "ada@example.com"))
        assert refused.value.extra["retry_after"] == 900

    async def test_failures_elsewhere_block_no_member(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, other_msp: Tenant
    ) -> None:
        await self.fail(auth, msp, 5, address="198.51.100.9")
        await authenticate(auth, credentials(msp, ada.email))
        await self.fail(auth, other_msp, 5)
        await authenticate(auth, credentials(msp, ada.email))

    async def test_many_accounts_from_one_address_are_slowed(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        for number in range(51):
            await self.fail(auth, msp, 1, email=f"guess{number}@example.com")
        with pytest.raises(SignInThrottled):
            await authenticate(auth, credentials(msp, ada.email))
        await authenticate(auth, credentials(msp, ada.email, address="198.51.100.9"))

    async def test_successful_sign_ins_from_one_office_are_never_throttled(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        for _ in range(60):
            await authenticate(auth, credentials(msp, ada.email))


class TestMembers:
    async def test_members_and_partners_are_listed_in_their_own_tenant_only(
        self, auth: AuthServices, client: Tenant, sibling: Tenant, foreigner: Tenant, ada: Somebody
    ) -> None:
        partner_id, member_id = new_id(), new_id()
        async with auth.db.transaction(client.scope) as session:
            await create_partner(
                session, partner_id=partner_id, name="Swift Freight", kind=PartnerKind.LOGISTICS, now=NOW
            )
            await create_member(session, NewMember(member_id, "zoe@freight.example", "Zoe", partner_id), now=NOW)
        async with auth.db.transaction(client.scope) as session:
            assert [p.id for p in (await list_members(session)).items] == [ada.id, member_id]
            assert [p.id for p in await list_partners(session)] == [partner_id]
        for elsewhere in (sibling, foreigner):
            async with auth.db.transaction(elsewhere.scope) as session:
                assert list((await list_members(session)).items) == []
                assert list(await list_partners(session)) == []
                with pytest.raises(NotFound):
                    await get_member(session, ada.id)
                with pytest.raises(NotFound):
                    await mark_suspended(session, member_id=ada.id, reason="left", now=NOW)
                with pytest.raises(NotFound, match="partner"):
                    await create_member(session, NewMember(new_id(), "x@y.example", "X", partner_id), now=NOW)

    async def test_a_partners_member_sees_its_partner_and_no_others(self, auth: AuthServices, client: Tenant) -> None:
        own, other = new_id(), new_id()
        async with auth.db.transaction(client.scope) as session:
            for partner_id in (own, other):
                await create_partner(session, partner_id=partner_id, name="P", kind=PartnerKind.OEM, now=NOW)
        scope = client.scope.__class__(client.scope.msp_id, client.scope.tenant_id, client.scope.actor, own)
        async with auth.db.transaction(scope) as session:
            assert [p.id for p in await list_partners(session)] == [own]
            assert list((await list_members(session)).items) == []

    async def test_the_fleets_scope_reads_no_password_hash(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        async with auth.db.transaction(msp.scope.for_fleet()) as session:
            names = await session.execute(text("SELECT email FROM member WHERE msp_id = :m"), {"m": msp.scope.msp_id})
            assert list(names.scalars()) == [ada.email]
        with pytest.raises(Exception, match="permission denied"):
            async with auth.db.transaction(msp.scope.for_fleet()) as session:
                await session.execute(text("SELECT password_hash FROM member"))

    async def test_an_address_is_unique_in_a_tenant_in_any_case(
        self, auth: AuthServices, client: Tenant, sibling: Tenant, ada: Somebody
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            with pytest.raises(EmailTaken):
                await create_member(session, NewMember(new_id(), "ADA@example.com", "Again"), now=NOW)
        async with auth.db.transaction(sibling.scope) as session:
            await create_member(session, NewMember(new_id(), "ADA@example.com", "Elsewhere"), now=NOW)

    @pytest.mark.parametrize(
        "email", ["", "ada", "ada@", "@x.org", "a b@x.org", "a@x", "a@x.org, b@x.org", "a\0@x.org"]
    )
    def test_invalid_addresses_are_refused(self, email: str) -> None:
        with pytest.raises(Exception, match="e-mail"):
            clean_email(email)


class TestPasswords:
    @pytest.mark.parametrize(
        "password", ["", "short", "aaaaaaaaaaaaaaaa", "abababababab", "lovelace2026", "x" * 201, "LOVELACE.lovelace"]
    )
    def test_an_easy_password_is_refused(self, password: str) -> None:
        with pytest.raises(WeakPassword):
            check_password(password, email="lovelace@example.com")

    def test_unrelated_words_are_accepted(self) -> None:
        check_password(PASSWORD, email="lovelace@example.com")
        check_password("ünïcödé wörter sind gut", email="a@example.com")

    def test_the_parameters_are_owasps(self) -> None:
        hashed = OWASP_PARAMETERS.hash("x")
        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    async def test_no_hash_and_a_broken_hash_never_match(self, passwords: Passwords) -> None:
        for known in (None, "", "plain", "$argon2id$v=19$m=64,t=1,p=1$broken"):
            assert not await passwords.verify(known, "plain")
        assert not await passwords.verify(None, hashlib.sha256(b"nobody").hexdigest())


class TestInvitations:
    async def invited(self, auth: AuthServices, tenant: Tenant) -> tuple[Somebody, str]:
        member_id = new_id()
        async with auth.db.transaction(tenant.scope) as session:
            await create_member(session, NewMember(member_id, "new@example.com", "New"), now=NOW)
            token = await create_invite(session, new_secret, member_id=member_id, now=NOW)
        return Somebody(tenant.scope, member_id, "new@example.com"), token

    async def accept(self, auth: AuthServices, tenant: Tenant, token: str) -> None:
        async with auth.db.transaction(tenant.scope) as session:
            password_hash = await auth.passwords.hash(PASSWORD)
            await accept_invite(session, read_invite(token), password_hash=password_hash, now=auth.clock())

    async def test_a_link_sets_a_password_once(self, auth: AuthServices, msp: Tenant, client: Tenant) -> None:
        somebody, token = await self.invited(auth, client)
        await self.accept(auth, client, token)
        assert (await authenticate(auth, credentials(msp, somebody.email))).id == somebody.id
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, token)

    async def test_it_is_good_for_a_week_and_replaced_by_the_next(
        self, auth: AuthServices, client: Tenant, clock: Ticking
    ) -> None:
        somebody, first = await self.invited(auth, client)
        async with auth.db.transaction(client.scope) as session:
            second = await create_invite(session, new_secret, member_id=somebody.id, now=NOW)
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, first)
        clock.forward(days=7)
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, second)
        clock.forward(seconds=-1)
        await self.accept(auth, client, second)

    async def test_it_is_refused_in_another_tenant_or_after_a_suspension(
        self, auth: AuthServices, client: Tenant, sibling: Tenant, foreigner: Tenant
    ) -> None:
        somebody, token = await self.invited(auth, client)
        for elsewhere in (sibling, foreigner):
            with pytest.raises(InviteNotValid):
                await self.accept(auth, elsewhere, token)
        async with auth.db.transaction(client.scope) as session:
            await mark_suspended(session, member_id=somebody.id, reason="mistake", now=NOW)
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, token)
        async with auth.db.transaction(client.scope) as session:
            later = await create_invite(session, new_secret, member_id=somebody.id, now=NOW)
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, later)

    @pytest.mark.parametrize("token", ["", "x", "g" * 64 + "A" * 43, "0" * 64 + "A" * 42 + "B"])
    def test_a_malformed_link_is_refused(self, token: str) -> None:
        with pytest.raises(InviteNotValid):
            read_invite(token)

    async def test_a_new_password_uses_up_the_link(self, auth: AuthServices, client: Tenant) -> None:
        somebody, token = await self.invited(auth, client)
        async with auth.db.transaction(client.scope) as session:
            password_hash = await auth.passwords.hash(PASSWORD)
            await set_password(session, member_id=somebody.id, password_hash=password_hash, now=NOW)
        with pytest.raises(InviteNotValid):
            await self.accept(auth, client, token)


class TestRoles:
    async def test_a_members_title_is_the_assigned_role(self, auth: AuthServices, client: Tenant) -> None:
        async with auth.db.transaction(client.scope) as session:
            index = await auth.policies.index_for(session, client.scope)
        assert leading_roles(index, ("client_admin", "client_approver", "client_viewer", "machine")) == (
            "client_admin",
            "machine",
        )
        assert leading_roles(index, ()) == ()
