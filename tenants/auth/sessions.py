"""Sessions of members, stored in Valkey under the MSP's prefix.

The browser holds 256 random bits; the store has only their SHA-256, so read access to the store allows no sign-in. Nor
does write access: each record has a MAC, under a key that only the web processes have, over its name (hence MSP and
secret) and its content (member and times, which determine its end). A session belongs to the MSP of one host; under
another MSP's prefix it does not exist. Rights are never stored here; `identity` reads them for each request, so that a
suspension or a new role is effective at once.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from branding.hosts import is_local, normal_host
from foundation.decoding import decode_json
from foundation.errors import Unavailable
from foundation.marks import N_
from tenants.auth.impersonation import LONGEST, Impersonation
from tenants.secrets import NewSecret, bytes_of, text_of

IDLE: Final = timedelta(hours=12)
ABSOLUTE: Final = timedelta(days=7)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_SECRET_BYTES: Final = 32
_MAC_BYTES: Final = 32
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

_SECURE_COOKIE: Final = "__Host-session"
_PLAIN_COOKIE: Final = "session"


_ACTING: Final = ":as"
"""Suffix of the key beside a session's that holds its impersonation. Both are read at once, and rewriting one cannot
restore the other.
"""


class _Record(msgspec.Struct, frozen=True):
    tenant_id: UUID
    member_id: UUID
    created_at: datetime
    seen_at: datetime
    proved_at: datetime | None = None
    browser: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """`secret` is the cookie's value; it authenticates the session and is never logged. `proved_at` is the time of the
    latest proof of identity (`tenants.auth.step_up`). `acting` is the impersonation that was begun and not ended, even
    if its time is over.
    """

    secret: bytes = field(repr=False)
    msp_id: UUID
    tenant_id: UUID
    member_id: UUID
    created_at: datetime
    seen_at: datetime
    proved_at: datetime
    browser: str = ""
    system: str = ""
    acting: Impersonation | None = None

    @property
    def form_secret(self) -> bytes:
        """Secret of the forms' tokens: a form that was shown during an impersonation is valid in it only."""
        if self.acting is None:
            return self.secret
        return hashlib.sha256(self.secret + self.acting.id.bytes).digest()

    @property
    def id(self) -> str:
        """Public name of the session, which proves nothing."""
        return _digest(self.secret)

    @property
    def cookie(self) -> str:
        return text_of(self.secret)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A session as it is listed; `id` is its public name. Empty texts: not known."""

    id: str
    created_at: datetime
    seen_at: datetime
    browser: str
    system: str


class SessionStore:
    def __init__(self, client: "redis.asyncio.Redis", new_secret: NewSecret, key: bytes = b"") -> None:
        """`key` is shared by all web processes. Without one, sessions are valid in this process only."""
        self._client = client
        self._new_secret = new_secret
        self._key = key or secrets.token_bytes(_MAC_BYTES)

    async def start(  # noqa: PLR0913 - keyword-only
        self,
        *,
        msp_id: UUID,
        tenant_id: UUID,
        member_id: UUID,
        now: datetime,
        browser: str = "",
        system: str = "",
    ) -> Session:
        """Create a session. Callers end the browser's previous one, to prevent session fixation."""
        session = Session(
            self._new_secret(_SECRET_BYTES), msp_id, tenant_id, member_id, created_at=now, seen_at=now, proved_at=now,
            browser=browser, system=system,
        )  # fmt: skip
        index, key = _index(msp_id, member_id), _key(msp_id, session.secret)
        pipe = self._client.pipeline(transaction=True)
        pipe.set(key, self._sealed(key, session), ex=_life(session, now))
        pipe.zremrangebyscore(index, "-inf", now.timestamp())
        pipe.zadd(index, {_digest(session.secret): (now + ABSOLUTE).timestamp()})
        pipe.expire(index, ABSOLUTE)
        await self._run(pipe.execute())
        return session

    async def find(self, cookie: str, *, msp_id: UUID, now: datetime) -> Session | None:
        """The live session of this cookie in this MSP, else None. Renews the idle timeout."""
        secret = bytes_of(cookie, _SECRET_BYTES)
        if secret is None:
            return None
        key = _key(msp_id, secret)
        stored, acting = await self._run(self._client.mget([key, key + _ACTING]))
        if stored is None:
            return None
        record = self._opened(key, stored)
        if record is None:
            return None
        if now - record.seen_at >= IDLE or now - record.created_at >= ABSOLUTE:
            return None
        session = Session(
            secret, msp_id, record.tenant_id, record.member_id, record.created_at, record.seen_at,
            proved_at=record.proved_at or record.created_at, browser=record.browser, system=record.system,
            acting=self._acting(key + _ACTING, acting),
        )  # fmt: skip
        if now - record.seen_at >= _TOUCH_EVERY:
            session = replace(session, seen_at=now)
            await self._rewrite(key, session, now)
        return session

    async def prove(self, session: Session, *, now: datetime) -> Session:
        """Record a new proof of identity."""
        proved = replace(session, proved_at=now, seen_at=now)
        await self._rewrite(_key(session.msp_id, session.secret), proved, now)
        return proved

    async def impersonate(self, session: Session, acting: Impersonation, *, now: datetime) -> None:
        key, content = _key(session.msp_id, session.secret) + _ACTING, msgspec.json.encode(acting)
        live = _live(session.msp_id, acting.tenant_id)
        pipe = self._client.pipeline(transaction=True)
        pipe.set(key, self._mac(key, content) + content, ex=_life(session, now))
        pipe.hset(live, str(acting.id), self._mac(live, content) + content)
        pipe.expire(live, LONGEST)
        await self._run(pipe.execute())

    async def end_impersonation(self, session: Session) -> bool:
        """End the session's impersonation. Returns whether this call ended it."""
        pipe = self._client.pipeline(transaction=True)
        pipe.delete(_key(session.msp_id, session.secret) + _ACTING)
        if session.acting is not None:
            pipe.hdel(_live(session.msp_id, session.acting.tenant_id), str(session.acting.id))
        return bool((await self._run(pipe.execute()))[0])

    async def list_impersonations(self, *, msp_id: UUID, tenant_id: UUID, now: datetime) -> list[Impersonation]:
        """Impersonations of the client's members that have not ended, the first to end first. If the session was ended
        from elsewhere, its impersonation is listed until the time is over.
        """
        live = _live(msp_id, tenant_id)
        stored = cast("list[bytes]", await self._run(self._client.hvals(live)))
        found = [one for each in stored if (one := self._acting(live, each)) is not None and one.until > now]
        return sorted(found, key=lambda one: one.until)

    async def list_of(self, *, msp_id: UUID, member_id: UUID, now: datetime) -> list[SessionFacts]:
        """The member's live sessions, latest used first."""
        digests = await self._digests(msp_id, member_id)
        keys = [f"{_prefix(msp_id)}{digest}" for digest in digests]
        stored = cast("list[bytes | None]", await self._run(self._client.mget(keys))) if keys else []
        found = [
            SessionFacts(digest, record.created_at, record.seen_at, record.browser, record.system)
            for digest, key, each in zip(digests, keys, stored, strict=True)
            if each is not None
            and (record := self._opened(key, each)) is not None
            and record.member_id == member_id
            and now - record.seen_at < IDLE
            and now - record.created_at < ABSOLUTE
        ]
        return sorted(found, key=lambda one: one.seen_at, reverse=True)

    async def end_one(self, *, msp_id: UUID, member_id: UUID, session_id: str) -> bool:
        """End a session of the member by its public name. False if the member has none of this name."""
        if session_id not in await self._digests(msp_id, member_id):
            return False
        pipe = self._client.pipeline(transaction=True)
        pipe.delete(f"{_prefix(msp_id)}{session_id}")
        pipe.zrem(_index(msp_id, member_id), session_id)
        await self._run(pipe.execute())
        return True

    async def end_others(self, session: Session) -> int:
        """End the member's other sessions and return their number."""
        others = [one for one in await self._digests(session.msp_id, session.member_id) if one != session.id]
        for one in others:
            await self.end_one(msp_id=session.msp_id, member_id=session.member_id, session_id=one)
        return len(others)

    async def end(self, session: Session) -> None:
        key = _key(session.msp_id, session.secret)
        pipe = self._client.pipeline(transaction=True)
        pipe.delete(key)
        pipe.zrem(_index(session.msp_id, session.member_id), _digest(session.secret))
        await self._run(pipe.execute())

    async def end_all(self, *, msp_id: UUID, member_id: UUID) -> int:
        """End all sessions of a member and return their number. The guarantee is `member.signed_out_after`; this call
        only frees the store at once.
        """
        digests = await self._digests(msp_id, member_id)
        keys = (f"{_prefix(msp_id)}{digest}" for digest in digests)
        await self._run(self._client.delete(_index(msp_id, member_id), *keys))
        return len(digests)

    async def _digests(self, msp_id: UUID, member_id: UUID) -> list[str]:
        found = cast("list[bytes]", await self._run(self._client.zrange(_index(msp_id, member_id), 0, -1)))
        # Key names are rebuilt by callers: the content of the index must not determine which keys are used.
        return [text for each in found if _DIGEST.fullmatch(text := each.decode("ascii", "replace"))]

    async def _rewrite(self, key: str, session: Session, now: datetime) -> None:
        # XX: does not recreate a session that was ended concurrently.
        await self._run(self._client.set(key, self._sealed(key, session), ex=_life(session, now), xx=True))

    def _sealed(self, key: str, session: Session) -> bytes:
        record = _Record(
            session.tenant_id, session.member_id, session.created_at, session.seen_at, session.proved_at,
            session.browser, session.system,
        )  # fmt: skip
        content = msgspec.json.encode(record)
        return self._mac(key, content) + content

    def _opened(self, key: str, stored: bytes) -> _Record | None:
        """None for a record whose MAC does not match this name."""
        content = self._verified(key, stored)
        return None if content is None else decode_json(content, type=_Record)

    def _acting(self, key: str, stored: bytes | None) -> Impersonation | None:
        content = None if stored is None else self._verified(key, stored)
        return None if content is None else decode_json(content, type=Impersonation)

    def _verified(self, key: str, stored: bytes) -> bytes | None:
        mac, content = stored[:_MAC_BYTES], stored[_MAC_BYTES:]
        return content if hmac.compare_digest(mac, self._mac(key, content)) else None

    def _mac(self, key: str, content: bytes) -> bytes:
        return hmac.new(self._key, key.encode() + b"\0" + content, hashlib.sha256).digest()

    async def _run(self, command: Any) -> Any:
        try:
            return await command
        except RedisError as problem:
            raise Unavailable(N_("Sessions cannot be read at the moment. Try again in a minute.")) from problem


def _life(session: Session, now: datetime) -> int:
    """Seconds until the session ends by idleness or age, whichever is first; at least one."""
    left = min(IDLE, session.created_at + ABSOLUTE - now)
    return max(1, int(left.total_seconds()))


def _key(msp_id: UUID, secret: bytes) -> str:
    return f"{_prefix(msp_id)}{_digest(secret)}"


def _prefix(msp_id: UUID) -> str:
    return f"fl:{msp_id}:session:"


def _digest(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def _index(msp_id: UUID, member_id: UUID) -> str:
    return f"fl:{msp_id}:sessions-of:{member_id}"


def _live(msp_id: UUID, tenant_id: UUID) -> str:
    return f"fl:{msp_id}:impersonations-of:{tenant_id}"


@dataclass(frozen=True, slots=True)
class CookieRule:
    """Cookie attributes. Without TLS (on this machine only) browsers reject `Secure` and the `__Host-` prefix that
    needs it.
    """

    secure: bool

    @property
    def session_name(self) -> str:
        return _SECURE_COOKIE if self.secure else _PLAIN_COOKIE

    @property
    def visit_name(self) -> str:
        return "__Host-visit" if self.secure else "visit"

    @property
    def device_name(self) -> str:
        return "__Host-device" if self.secure else "device"

    @property
    def step_name(self) -> str:
        return "__Host-step" if self.secure else "step"

    def session_of(self, cookies: Mapping[str, str]) -> str:
        return cookies.get(self.session_name, "")


def cookie_rule(*, scheme: str, host: str) -> CookieRule:
    """Plain cookies only where a plain request stays on this machine: loopback addresses and `*.localhost` names."""
    local = is_local(normal_host(host)) or host.partition("]")[0] == "[::1"
    return CookieRule(secure=not (scheme == "http" and local))
