"""Password hashing: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane)."""

import asyncio
import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from foundation.marks import N_
from foundation.text import TextInvalid, normalize_password
from tenants.auth.password_strength import require_hard_to_guess
from tenants.errors import WeakPassword

SHORTEST: Final = 12
LONGEST: Final = 200
OWASP_PARAMETERS: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)


class Passwords:
    """Hashes and verifies in threads, at most `at_once` concurrently: each needs 19 MiB and about 25 ms of CPU."""

    def __init__(self, hasher: PasswordHasher = OWASP_PARAMETERS, *, at_once: int = 4) -> None:
        self._hasher = hasher
        self._slots = asyncio.Semaphore(at_once)
        self._nobody = _hash_of_nobody(hasher)

    async def hash(self, password: str) -> str:
        """Hash of a password's normalized form, independent of how it was composed when typed."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _prepared(password))

    async def prepare(self, password: str, *, email: str, names: Iterable[str] = ()) -> str:
        """Check and hash a chosen password. `names`: of the member and the account.

        Raises:
            WeakPassword: see `check_password`.
        """
        async with self._slots:
            await asyncio.to_thread(check_password, password, email=email, names=names)
        return await self.hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Verify a password. Without a hash the result is False after the same amount of work."""
        matches = False
        for form in _forms(password):
            async with self._slots:
                matches |= await asyncio.to_thread(self._matches, password_hash or self._nobody, form)
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str, password: str) -> bool:
        """Whether the hash has outdated parameters, or may be of the unnormalized `password`."""
        return self._hasher.check_needs_rehash(password_hash) or password != _prepared(password)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash whose password no member has: verifying against it costs as much as against a real one."""
    return hasher.hash(hashlib.sha256(b"nobody").hexdigest())


def check_password(password: str, *, email: str, names: Iterable[str] = ()) -> None:
    """Check length and guessability, not character classes (NIST SP 800-63B §3.1.1.2).

    Raises:
        WeakPassword: too short, too long, with invisible characters, or easy to guess.
    """
    try:
        password = normalize_password(password) if password else ""
    except TextInvalid as problem:
        raise WeakPassword(
            N_("This password contains an invisible character. Type it with letters, digits, symbols and spaces.")
        ) from problem
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(
            N_("A password has {least} to {most} characters. Three or four unrelated words are a good choice."),
            params={"least": SHORTEST, "most": LONGEST},
        )
    require_hard_to_guess(password, [email, *email.split("@"), *names])


def check_repeated(password: str, again: str) -> None:
    """Raises: WeakPassword."""
    if _prepared(password) != _prepared(again):
        raise WeakPassword(N_("The two passwords are not the same. Type the same one twice."))


def _forms(password: str) -> tuple[str, ...]:
    """Forms to verify: normalized (as hashed), and as typed, for hashes from before normalization. Their number depends
    only on the input.
    """
    if len(password) > 2 * LONGEST:
        return ("",)
    return tuple(dict.fromkeys((_prepared(password), password)))


def _prepared(password: str) -> str:
    try:
        return normalize_password(password)
    except TextInvalid:
        return password
