"""Errors of opening sealed values."""

from http import HTTPStatus

from foundation.errors import DomainError, Unavailable


class VaultSealed(Unavailable):
    """The key-encryption key that wrapped a tenant's data key is not among the configured ones."""

    code = "vault-sealed"
    title = "Secrets cannot be opened"


class CiphertextInvalid(DomainError):
    """Altered, truncated, sealed for another tenant or purpose, or its data key was destroyed."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "ciphertext-invalid"
    title = "A stored secret cannot be opened"
