"""Errors of opening sealed values."""

from http import HTTPStatus

from foundation.errors import DomainError, Unavailable
from foundation.marks import N_


class VaultSealed(Unavailable):
    """The key-encryption key that wrapped a tenant's data key is not among the configured ones."""

    code = "vault-sealed"
    title = N_("Secrets cannot be opened")


class CiphertextInvalid(DomainError):
    """Altered, truncated, sealed for another tenant or purpose, or its data key was destroyed."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "ciphertext-invalid"
    title = N_("A stored secret cannot be opened")
