"""Passwords: argon2id with the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane)."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from foundation.text import TextInvalid, normalize_password
from tenants.auth.password_strength import require_hard_to_guess
from tenants.errors import WeakPassword

SHORTEST: Final = 12
LONGEST: Final = 200
OWASP_PARAMETERS: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)


class Passwords:
    """Hashes and verifies in threads, at most `at_once` together: each holds 19 MiB for about 25 ms of CPU."""

    def __init__(self, hasher: PasswordHasher = OWASP_PARAMETERS, *, at_once: int = 4) -> None:
        self._hasher = hasher
        self._slots = asyncio.Semaphore(at_once)
        # Nobody has this password; verifying against it costs what a real one costs.
        self._nobody = hasher.hash(hashlib.sha256(b"nobody").hexdigest())

    async def hash(self, password: str) -> str:
        """Of the one form of a password, however it was composed when it was typed."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _prepared(password))

    async def prepare(self, password: str, *, email: str, names: Iterable[str] = ()) -> str:
        """The hash of a password a person has chosen. `names`: of the person and the account.

        Raises:
            WeakPassword: see `check_password`.
        """
        async with self._slots:
            await asyncio.to_thread(check_password, password, email=email, names=names)
        return await self.hash(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """The same work whether or not there is a hash; without one the answer is no."""
        matches = False
        for form in _forms(password):
            async with self._slots:
                matches |= await asyncio.to_thread(self._matches, password_hash or self._nobody, form)
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str, password: str) -> bool:
        """Whether it was made with other parameters than today's, or may be of `password` as it was typed."""
        return self._hasher.check_needs_rehash(password_hash) or password != _prepared(password)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def check_password(password: str, *, email: str, names: Iterable[str] = ()) -> None:
    """Length and what is known to be guessed first count, not character classes (NIST SP 800-63B §3.1.1.2).

    Raises:
        WeakPassword: too short, too long, with characters that cannot be seen, or easy to guess.
    """
    try:
        password = normalize_password(password) if password else ""
    except TextInvalid as problem:
        raise WeakPassword(
            "This password has a character that cannot be seen. Type it, with letters, digits, signs and spaces."
        ) from problem
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters. Three or four unrelated words do well.")
    require_hard_to_guess(password, [email, *email.split("@"), *names])


def check_repeated(password: str, again: str) -> None:
    """Raises: WeakPassword."""
    if _prepared(password) != _prepared(again):
        raise WeakPassword("The two passwords are not the same. Type the same one twice.")


def _forms(password: str) -> tuple[str, ...]:
    """What a password is verified as: in the form in which it is hashed, and as it was typed, for hashes made before
    passwords had one form. How many there are depends on what was typed only.
    """
    if len(password) > 2 * LONGEST:
        return ("",)
    return tuple(dict.fromkeys((_prepared(password), password)))


def _prepared(password: str) -> str:
    try:
        return normalize_password(password)
    except TextInvalid:
        return password
