"""What can go wrong when something sealed is opened."""

from http import HTTPStatus

from foundation.errors import DomainError, Unavailable


class VaultSealed(Unavailable):
    """The key-encryption key that a tenant's data key was wrapped with is not among the configured ones."""

    code = "vault-sealed"
    title = "Secrets cannot be opened"


class CiphertextInvalid(DomainError):
    """Altered, cut short, sealed for another tenant or purpose, or its data key was destroyed."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "ciphertext-invalid"
    title = "A stored secret cannot be opened"
