"""Password hashing with argon2's least cost: signing in verifies four hashes, and tests do not depend on their cost."""

from typing import Final

from argon2 import PasswordHasher

from tenants.auth.passwords import Passwords

CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def hash_cheaply(passwords: Passwords) -> None:
    """The composition accepts no other parameters than the product's, so that no setting can weaken them."""
    vars(passwords).update(vars(Passwords(CHEAP)))
