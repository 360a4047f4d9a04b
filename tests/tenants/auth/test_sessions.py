import hashlib
from typing import cast

import msgspec
import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import Unavailable
from foundation.ids import new_id
from policy.publishing import assign_role
from tenants.accounts import suspend_client
from tenants.auth.identity import identify_member
from tenants.auth.services import AuthServices
from tenants.auth.sessions import Session, SessionStore, cookie_rule
from tenants.auth.sign_out import sign_out_everywhere
from tenants.members.repository import mark_suspended, set_password
from tenants.secrets import bytes_of, new_secret, text_of
from tests.tenants.conftest import NOW, PASSWORD, Somebody, Tenant, Ticking, make_member


async def begin(auth: AuthServices, somebody: Somebody) -> Session:
    scope = somebody.scope
    return await auth.sessions.start(
        msp_id=scope.msp_id, tenant_id=scope.tenant_id, member_id=somebody.id, now=auth.clock()
    )


async def who(auth: AuthServices, session: Session) -> object:
    signed_in = await identify_member(auth, msp_id=session.msp_id, cookie=session.cookie)
    return signed_in and signed_in.principal.id


class TestTheStore:
    async def test_the_cookie_leads_to_the_member(self, auth: AuthServices, ada: Somebody) -> None:
        session = await begin(auth, ada)
        signed_in = await identify_member(auth, msp_id=ada.scope.msp_id, cookie=session.cookie)
        assert signed_in is not None
        assert signed_in.session == session
        assert signed_in.principal.id == ada.id
        assert signed_in.principal.tenant_id == ada.scope.tenant_id

    async def test_stored_session_data_cannot_be_used_to_sign_in(
        self, auth: AuthServices, ada: Somebody, valkey: "redis.asyncio.Redis"
    ) -> None:
        session = await begin(auth, ada)
        keys = [key async for key in valkey.scan_iter(match=f"fl:{ada.scope.msp_id}:*")]
        stored = repr([*keys, *[await valkey.get(key) for key in keys if b":session:" in key]])
        assert len(keys) == 2
        assert session.cookie not in stored
        assert session.secret.hex() not in stored
        assert "secret" not in repr(session)

    @pytest.mark.parametrize("forgery", ["by hand", "by hand, as long as a true one", "of another process's key"])
    async def test_forged_session_data_does_not_sign_in(
        self, auth: AuthServices, ada: Somebody, valkey: "redis.asyncio.Redis", forgery: str
    ) -> None:
        cookie, times = text_of(secret := bytes(32)), {"created_at": NOW, "seen_at": NOW}
        record = msgspec.json.encode({"tenant_id": ada.scope.tenant_id, "member_id": ada.id, **times})
        if forgery == "of another process's key":
            other = SessionStore(valkey, lambda _: secret, b"a key that the forger made up")
            await other.start(msp_id=ada.scope.msp_id, tenant_id=ada.scope.tenant_id, member_id=ada.id, now=NOW)
        else:
            padding = bytes(32) if "long" in forgery else b""
            key = f"fl:{ada.scope.msp_id}:session:{hashlib.sha256(secret).hexdigest()}"
            await valkey.set(key, padding + record)
        assert await identify_member(auth, msp_id=ada.scope.msp_id, cookie=cookie) is None

    async def test_a_valid_record_is_accepted_for_no_other_session_member_or_time(
        self, auth: AuthServices, ada: Somebody, other_msp: Tenant, valkey: "redis.asyncio.Redis"
    ) -> None:
        mine, other = await begin(auth, ada), await begin(auth, ada)
        msp_id = ada.scope.msp_id
        own, others = (f"fl:{msp_id}:session:{hashlib.sha256(s.secret).hexdigest()}" for s in (mine, other))
        stored = cast("bytes", await valkey.get(own))
        somebody = stored.replace(str(ada.id).encode(), str(new_id()).encode())
        abroad = own.replace(str(msp_id), str(other_msp.scope.msp_id))
        for name, cookie, at, content in [
            (others, other.cookie, msp_id, stored),
            (own, mine.cookie, msp_id, stored.replace(b"2026", b"2036")),
            (own, mine.cookie, msp_id, somebody),
            (own, mine.cookie, msp_id, stored[:-1]),
            (own, mine.cookie, msp_id, b""),
            (abroad, mine.cookie, other_msp.scope.msp_id, stored),
        ]:
            await valkey.set(name, content)
            assert await auth.sessions.find(cookie, msp_id=at, now=NOW) is None
        await valkey.set(own, stored)
        assert await who(auth, mine) == ada.id

    async def test_the_index_of_sessions_decides_no_deletion(
        self, auth: AuthServices, ada: Somebody, valkey: "redis.asyncio.Redis"
    ) -> None:
        session, precious = await begin(auth, ada), f"fl:precious:{new_id()}"
        await valkey.set(precious, "x")
        await valkey.zadd(f"fl:{ada.scope.msp_id}:sessions-of:{ada.id}", {precious: 9e12, "../x": 9e12})
        assert await auth.sessions.end_all(msp_id=ada.scope.msp_id, member_id=ada.id) == 1
        assert await valkey.exists(precious)
        assert await who(auth, session) is None

    async def test_another_msps_host_does_not_know_the_session(
        self, auth: AuthServices, other_msp: Tenant, ada: Somebody
    ) -> None:
        session = await begin(auth, ada)
        assert await identify_member(auth, msp_id=other_msp.scope.msp_id, cookie=session.cookie) is None
        assert await who(auth, session) == ada.id

    async def test_a_session_moved_to_another_msps_prefix_is_invalid(
        self, auth: AuthServices, other_msp: Tenant, ada: Somebody
    ) -> None:
        forged = await auth.sessions.start(
            msp_id=other_msp.scope.msp_id, tenant_id=ada.scope.tenant_id, member_id=ada.id, now=NOW
        )
        assert await who(auth, forged) is None

    @pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "ä" * 43, "A" * 42 + "=", "A" * 4000])
    async def test_a_missing_or_forged_cookie_is_anonymous(
        self, auth: AuthServices, ada: Somebody, cookie: str
    ) -> None:
        assert await identify_member(auth, msp_id=ada.scope.msp_id, cookie=cookie) is None

    async def test_every_session_is_new(self, auth: AuthServices, ada: Somebody) -> None:
        first, second = await begin(auth, ada), await begin(auth, ada)
        assert first.secret != second.secret
        assert len(first.secret) == 32

    async def test_sessions_are_unchanged_while_valkey_is_unreachable(self, ada: Somebody) -> None:
        away = redis.asyncio.Redis(host="127.0.0.1", port=1)
        store = SessionStore(away, new_secret)
        with pytest.raises(Unavailable):
            await store.find(text_of(bytes(32)), msp_id=ada.scope.msp_id, now=NOW)
        await away.aclose()


class TestEnding:
    async def test_idle_for_twelve_hours(self, auth: AuthServices, ada: Somebody, clock: Ticking) -> None:
        session = await begin(auth, ada)
        clock.forward(hours=12, seconds=-1)
        assert await who(auth, session) == ada.id  # used, so its idle time restarts
        clock.forward(hours=12, seconds=-1)
        assert await who(auth, session) == ada.id
        clock.forward(hours=12)
        assert await who(auth, session) is None

    async def test_after_a_week_however_busy(self, auth: AuthServices, ada: Somebody, clock: Ticking) -> None:
        session = await begin(auth, ada)
        for _ in range(7 * 4 - 1):
            clock.forward(hours=6)
            assert await who(auth, session) == ada.id
        clock.forward(hours=6)
        assert await who(auth, session) is None

    async def test_sessions_expire_in_valkey(
        self, auth: AuthServices, ada: Somebody, clock: Ticking, valkey: "redis.asyncio.Redis"
    ) -> None:
        await begin(auth, ada)
        (key,) = {
            key async for key in valkey.scan_iter(match=f"fl:{ada.scope.msp_id}:session:*")
        }  # it may report twice
        assert 0 < await valkey.ttl(key) <= 12 * 3600
        late = await begin(auth, ada)
        for _ in range(14):
            clock.forward(hours=11, minutes=59)
            await auth.sessions.find(late.cookie, msp_id=ada.scope.msp_id, now=clock())
        keys = {key async for key in valkey.scan_iter(match=f"fl:{ada.scope.msp_id}:session:*")}
        assert min([await valkey.ttl(key) for key in keys]) <= 14 * 60

    async def test_signing_out_ends_one_and_leaves_the_others(self, auth: AuthServices, ada: Somebody) -> None:
        first, second = await begin(auth, ada), await begin(auth, ada)
        await auth.sessions.end(first)
        assert await who(auth, first) is None
        assert await who(auth, second) == ada.id

    async def test_ending_all_sessions_affects_one_member(self, auth: AuthServices, msp: Tenant, ada: Somebody) -> None:
        other = await make_member(auth.db, auth.passwords, msp, "other@example.com")
        mine, theirs = [await begin(auth, ada), await begin(auth, ada)], await begin(auth, other)
        assert await auth.sessions.end_all(msp_id=ada.scope.msp_id, member_id=ada.id) == 2
        assert [await who(auth, session) for session in mine] == [None, None]
        assert await who(auth, theirs) == other.id
        assert await auth.sessions.end_all(msp_id=ada.scope.msp_id, member_id=ada.id) == 0

    async def test_an_ended_session_is_not_revived_by_a_request_on_its_way(
        self, auth: AuthServices, ada: Somebody, clock: Ticking, valkey: "redis.asyncio.Redis"
    ) -> None:
        session = await begin(auth, ada)
        clock.forward(minutes=5)

        class EndsMeanwhile(SessionStore):
            async def _run(self, command: object) -> object:
                answer = await super()._run(command)
                if isinstance(answer, list):  # it has been read; the sign-out happens in between
                    await auth.sessions.end(session)
                return answer

        await EndsMeanwhile(valkey, new_secret).find(session.cookie, msp_id=ada.scope.msp_id, now=clock())
        assert await who(auth, session) is None


class TestStandingCountsAtOnce:
    async def test_signing_out_everywhere(self, auth: AuthServices, ada: Somebody, clock: Ticking) -> None:
        before = await begin(auth, ada)
        clock.forward(seconds=1)
        async with auth.db.transaction(ada.scope) as transaction:
            await sign_out_everywhere(transaction, member_id=ada.id, now=clock())
        after = await begin(auth, ada)
        assert await who(auth, before) is None
        assert await who(auth, after) == ada.id

    async def test_a_new_password(self, auth: AuthServices, ada: Somebody, clock: Ticking) -> None:
        session = await begin(auth, ada)
        clock.forward(seconds=1)
        async with auth.db.transaction(ada.scope) as transaction:
            password_hash = await auth.passwords.hash(PASSWORD)
            await set_password(transaction, member_id=ada.id, password_hash=password_hash, now=clock())
        assert await who(auth, session) is None

    async def test_a_suspended_member_stays_out_after_being_resumed(
        self, auth: AuthServices, ada: Somebody, clock: Ticking
    ) -> None:
        session = await begin(auth, ada)
        clock.forward(seconds=1)
        async with auth.db.transaction(ada.scope) as transaction:
            await mark_suspended(transaction, member_id=ada.id, reason="left", now=clock())
        assert await who(auth, session) is None

    async def test_a_suspended_client(self, auth: AuthServices, ada: Somebody, staff: Somebody) -> None:
        session, msp_setup = await begin(auth, ada), await begin(auth, staff)
        async with auth.db.transaction(ada.scope) as transaction:
            await suspend_client(transaction, reason="unpaid", now=NOW)
        assert await who(auth, session) is None
        assert await who(auth, msp_setup) == staff.id

    async def test_a_role_assigned_meanwhile_applies(self, auth: AuthServices, ada: Somebody) -> None:
        session = await begin(auth, ada)
        for role in ("client_viewer", "client_approver"):
            async with auth.db.transaction(ada.scope) as transaction:
                await assign_role(transaction, ada.scope, member_id=ada.id, role=role, clock=auth.clock, new_id=new_id)
            signed_in = await identify_member(auth, msp_id=ada.scope.msp_id, cookie=session.cookie)
            assert signed_in is not None
            assert role in signed_in.principal.roles


class TestCookies:
    @pytest.mark.parametrize(
        "host", ["localhost", "localhost:80", "127.0.0.1:9", "[::1]:80", "[::1]", "a.localhost:80"]
    )
    def test_plain_on_this_machine_without_tls(self, host: str) -> None:
        assert cookie_rule(scheme="http", host=host).session_name == "session"
        assert cookie_rule(scheme="https", host=host).session_name == "__Host-session"

    @pytest.mark.parametrize("host", ["portal.example", "localhost.example", "127.0.0.1.example:80", "notlocalhost"])
    def test_secure_everywhere_else(self, host: str) -> None:
        rule = cookie_rule(scheme="http", host=host)
        assert rule.secure
        assert rule.session_of({"session": "planted", "__Host-session": "own"}) == "own"
        assert rule.session_of({"session": "planted"}) == ""


class TestSecrets:
    @given(st.binary(min_size=32, max_size=32))
    def test_a_secret_has_exactly_one_text(self, secret: bytes) -> None:
        assert bytes_of(text_of(secret), 32) == secret

    @given(st.text(max_size=60))
    def test_a_text_is_a_secrets_or_nothing(self, text: str) -> None:
        secret = bytes_of(text, 32)
        assert secret is None or text_of(secret) == text

    @given(st.binary(max_size=40))
    def test_other_lengths_are_nothing(self, secret: bytes) -> None:
        assert (bytes_of(text_of(secret), 32) is None) == (len(secret) != 32)
