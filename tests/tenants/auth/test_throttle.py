"""Failed attempts of others neither lock a member out nor affect a device that signed in before."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio

from foundation.ids import new_id
from tenants.auth.devices import LIFE, Devices
from tenants.auth.services import AuthServices
from tenants.auth.sign_in import authenticate
from tenants.auth.sign_out import sign_out_everywhere
from tenants.auth.throttle import EMAIL, FIRST_WAIT, PAIR, REDIRECTS, SignInThrottle, network_of
from tenants.errors import SignInFailed, SignInThrottled, Suspended
from tenants.members.repository import mark_resumed, mark_suspended, set_password
from tenants.secrets import new_secret
from tests.tenants.conftest import NOW, Somebody, Tenant, Ticking, credentials, make_member

WRONG = "wrong, quite wrong"
HOME = "203.0.113.7"


async def fail(auth: AuthServices, msp: Tenant, email: str, address: str, device: str = "") -> None:
    with pytest.raises(SignInFailed):
        await authenticate(auth, credentials(msp, email, WRONG, address, device))


async def throttled(auth: AuthServices, msp: Tenant, email: str, address: str = HOME, device: str = "") -> int:
    with pytest.raises(SignInThrottled) as refused:
        await authenticate(auth, credentials(msp, email, address=address, device=device))
    return int(str(refused.value.extra["retry_after"]))


async def attack(auth: AuthServices, msp: Tenant, email: str) -> None:
    """Attempts from so many networks that every new one has to wait."""
    for number in range(EMAIL.free):
        await fail(auth, msp, email, f"198.51.100.{number}")


def cookie_of(auth: AuthServices, somebody: Somebody, before: str = "") -> str:
    scope = somebody.scope
    ids = {"msp_id": scope.msp_id, "tenant_id": scope.tenant_id, "member_id": somebody.id}
    return auth.devices.remember(before, **ids, now=auth.clock())


class TestKnownDevice:
    async def test_failures_of_others_never_delay_it(self, auth: AuthServices, msp: Tenant, ada: Somebody) -> None:
        cookie = cookie_of(auth, ada)
        await attack(auth, msp, ada.email)
        for _ in range(PAIR.free + 1):  # somebody else behind the same address
            await self._fail_or_wait(auth, msp, ada.email)
        await throttled(auth, msp, ada.email)
        assert (await authenticate(auth, credentials(msp, ada.email, device=cookie))).id == ada.id

    async def _fail_or_wait(self, auth: AuthServices, msp: Tenant, email: str) -> None:
        with pytest.raises((SignInFailed, SignInThrottled)):
            await authenticate(auth, credentials(msp, email, WRONG))

    async def test_its_own_failures_delay_it(self, auth: AuthServices, msp: Tenant, ada: Somebody) -> None:
        cookie = cookie_of(auth, ada)
        for _ in range(2 * PAIR.free + 2):  # as a device, then as any other browser
            await fail(auth, msp, ada.email, HOME, cookie)
        assert await throttled(auth, msp, ada.email, device=cookie) == 1

    async def test_a_copied_device_cookie_does_not_lock_out_its_owner(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        cookie = cookie_of(auth, ada)
        for _ in range(2 * PAIR.free + 2):
            await fail(auth, msp, ada.email, "198.51.100.9", cookie)
        await throttled(auth, msp, ada.email, "198.51.100.9", cookie)
        assert (await authenticate(auth, credentials(msp, ada.email, device=cookie))).id == ada.id

    @pytest.mark.parametrize("event", ["password", "suspension", "sign-out", "age"])
    async def test_trusted_devices_end_with_the_sessions(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, clock: Ticking, event: str
    ) -> None:
        cookie = cookie_of(auth, ada)
        clock.forward(seconds=1) if event != "age" else clock.forward(days=LIFE.days)
        async with auth.db.transaction(ada.scope) as session:
            if event == "password":
                hashed = await auth.passwords.hash("seven calm herons wade")
                await set_password(session, member_id=ada.id, password_hash=hashed, now=clock())
            elif event == "suspension":
                await mark_suspended(session, member_id=ada.id, reason="test", now=clock())
                await mark_resumed(session, member_id=ada.id, reason="test", now=clock())
            elif event == "sign-out":
                await sign_out_everywhere(session, member_id=ada.id, now=clock())
        await attack(auth, msp, ada.email)
        await throttled(auth, msp, ada.email, device=cookie)
        again = cookie_of(auth, ada, cookie)
        assert (await authenticate(auth, credentials(msp, ada.email, device=again))).id == ada.id

    async def test_a_suspended_member_is_not_known(
        self, auth: AuthServices, client: Tenant, msp: Tenant, ada: Somebody, clock: Ticking
    ) -> None:
        async with auth.db.transaction(client.scope) as session:
            await mark_suspended(session, member_id=ada.id, reason="test", now=clock())
        cookie = cookie_of(auth, ada)
        with pytest.raises(Suspended):
            await authenticate(auth, credentials(msp, ada.email, device=cookie))
        await attack_more(auth, msp, ada.email, EMAIL.free - 1)
        await throttled(auth, msp, ada.email, "192.0.2.1", cookie)

    async def test_it_is_one_members_on_one_msps_host(
        self, auth: AuthServices, client: Tenant, msp: Tenant, other_msp: Tenant, ada: Somebody
    ) -> None:
        """Another member's device of the same MSP, the same person's of another, and an invented one."""
        bob = await make_member(auth.db, auth.passwords, client, "bob@example.com")
        own = cookie_of(auth, ada)
        elsewhere = Devices(new_secret, b"another key").remember(
            "", msp_id=msp.scope.msp_id, tenant_id=client.scope.tenant_id, member_id=ada.id, now=NOW
        )
        foreign = auth.devices.remember(
            "", msp_id=other_msp.scope.msp_id, tenant_id=client.scope.tenant_id, member_id=ada.id, now=NOW
        )
        await attack(auth, msp, ada.email)
        forged = (cookie_of(auth, bob), elsewhere, foreign, own[:-2] + "AA", own[4:], "." * 50, "x" * 9000, "é")
        for number, cookie in enumerate(forged):
            await throttled(auth, msp, ada.email, f"192.0.2.{number}", cookie)
        assert (await authenticate(auth, credentials(msp, ada.email, device=own))).id == ada.id

    async def test_members_who_share_a_browser_are_all_trusted(self, auth: AuthServices, ada: Somebody) -> None:
        ids = [new_id() for _ in range(7)]
        cookie = ""
        for member_id in [*ids, ids[-1]]:
            cookie = cookie_of(auth, Somebody(ada.scope, member_id, ""), cookie)
        assert known(auth, ada, cookie) == ids[:-6:-1]
        assert len(cookie) < 1000


def known(auth: AuthServices, ada: Somebody, cookie: str) -> list[UUID]:
    return [one.member_id for one in auth.devices.recognize(cookie, msp_id=ada.scope.msp_id, now=NOW)]


async def attack_more(auth: AuthServices, msp: Tenant, email: str, times: int) -> None:
    for number in range(times):
        await fail(auth, msp, email, f"198.51.100.{number}")


class TestNewDevice:
    async def test_the_right_password_succeeds_after_one_wait(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, clock: Ticking
    ) -> None:
        await attack(auth, msp, ada.email)
        assert await throttled(auth, msp, ada.email) == FIRST_WAIT.seconds
        for number in range(20):
            clock.forward(seconds=FIRST_WAIT.seconds / 20)
            await throttled(auth, msp, ada.email, f"192.0.2.{number}")
        assert (await authenticate(auth, credentials(msp, ada.email))).id == ada.id

    async def test_each_network_of_an_attack_waits_longer_after_each_failure(
        self, auth: AuthServices, msp: Tenant, ada: Somebody, clock: Ticking
    ) -> None:
        await attack(auth, msp, ada.email)
        assert await throttled(auth, msp, ada.email) == FIRST_WAIT.seconds
        for times in (1, 2, 4, 8, 16, 30, 30):
            clock.forward(seconds=min(900, FIRST_WAIT.seconds * times))
            await fail(auth, msp, ada.email, HOME)
            assert await throttled(auth, msp, ada.email) == min(900, FIRST_WAIT.seconds * max(1, times))
            clock.forward(seconds=0)

    async def test_other_members_and_other_msps_do_not_wait(
        self, auth: AuthServices, msp: Tenant, client: Tenant, other_msp: Tenant, ada: Somebody
    ) -> None:
        bob = await make_member(auth.db, auth.passwords, client, "bob@example.com")
        away = await make_member(auth.db, auth.passwords, other_msp, ada.email)
        await attack(auth, msp, ada.email)
        assert (await authenticate(auth, credentials(msp, bob.email))).id == bob.id
        assert (await authenticate(auth, credentials(other_msp, away.email))).id == away.id

    async def test_attempts_at_one_moment_do_not_slip_through(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        tries = [authenticate(auth, credentials(msp, ada.email, WRONG)) for _ in range(12)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(one, SignInFailed) for one in outcomes) == PAIR.free + 1
        assert sum(isinstance(one, SignInThrottled) for one in outcomes) == 11 - PAIR.free


class TestNetworks:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("::1", "::/64"),
            ("", ""), ("unix", "unix"),
        ],
    )  # fmt: skip
    def test_ipv6_is_counted_by_customer_prefix(self, address: str, network: str) -> None:
        assert network_of(address) == network

    async def test_addresses_of_one_customer_share_their_counter(
        self, auth: AuthServices, msp: Tenant, ada: Somebody
    ) -> None:
        for number in range(PAIR.free + 1):
            await fail(auth, msp, ada.email, f"2001:db8:1:2::{number:x}")
        assert await throttled(auth, msp, ada.email, "2001:db8:1:2:ffff::1") == 1
        assert (await authenticate(auth, credentials(msp, ada.email, address="2001:db8:1:3::1"))).id == ada.id


async def test_failed_attempts_expire_in_valkey(throttle: SignInThrottle, valkey: "redis.asyncio.Redis") -> None:
    msp_id = new_id()
    for number in range(EMAIL.free + 5):
        try:
            await throttle.reserve(msp_id=msp_id, email="a@b.example", address=f"198.51.100.{number}", now=NOW)
        except SignInThrottled:
            continue
    lives = {key: await valkey.ttl(key) async for key in valkey.scan_iter(f"fl:{msp_id}:*")}
    notes = [life for key, life in lives.items() if b":pair:" in key]
    assert sorted(notes)[:5] == [10 * FIRST_WAIT.seconds] * 5
    assert all(0 < life <= 3600 for life in lives.values())


async def test_redirects_to_a_provider_are_limited_by_address_and_provider(auth: AuthServices, msp: Tenant) -> None:
    """Completed ones do not count, and other accounts, addresses and passwords are not affected."""
    own: dict[str, Any] = {"msp_id": msp.scope.msp_id, "account_id": new_id(), "now": NOW}
    for _ in range(REDIRECTS[0].free + 5):
        await auth.throttle.release(await auth.throttle.reserve_redirect(address=HOME, **own))
    for _ in range(REDIRECTS[0].free + 1):
        await auth.throttle.reserve_redirect(address=HOME, **own)
    with pytest.raises(SignInThrottled):
        await auth.throttle.reserve_redirect(address=HOME, **own)
    await auth.throttle.reserve_redirect(address="203.0.113.8", **own)
    await auth.throttle.reserve_redirect(address=HOME, **own | {"account_id": new_id()})
    await auth.throttle.reserve_redirect(address=HOME, **own | {"msp_id": new_id()})
    await auth.throttle.reserve(msp_id=msp.scope.msp_id, email="ada@example.test", address=HOME, now=NOW)
