"""Errors of idempotency keys. Source: draft-ietf-httpapi-idempotency-key-header-07 §2.7."""

from foundation.errors import Conflict, DomainError, InvalidInput
from foundation.marks import N_


class KeyMalformed(DomainError):
    code = "idempotency-key-malformed"
    title = N_("The Idempotency-Key is not valid")

    def __init__(self) -> None:
        super().__init__(
            N_("An Idempotency-Key has 1 to 255 visible ASCII characters. Use a new UUID for each action.")
        )


class KeyReused(InvalidInput):
    code = "idempotency-key-reused"
    title = N_("The Idempotency-Key is already used")

    def __init__(self) -> None:
        super().__init__(
            N_("This Idempotency-Key was used with another request before. Use a new key for a new action.")
        )


class KeyInUse(Conflict):
    code = "idempotency-key-in-use"
    title = N_("A request with this Idempotency-Key is in progress")

    def __init__(self) -> None:
        super().__init__(N_("The first request with this key is still in progress. Try again in a few seconds."))
