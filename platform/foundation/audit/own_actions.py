"""Audited actions of foundation."""

from foundation.audit.actions import AuditAction, AuditKind
from foundation.marks import N_


class DeadLetterAction(AuditAction, kind=AuditKind.EXCEPTIONS):
    DEAD_LETTER_REPLAYED = "dead_letter.replayed", N_("Failed job replayed")
    DEAD_LETTER_DISCARDED = "dead_letter.discarded", N_("Failed job discarded")


class VaultAction(AuditAction, kind=AuditKind.SETTINGS):
    VAULT_KEY_CREATED = "vault.key_created", N_("Data key created")
    VAULT_KEY_ROTATED = "vault.key_rotated", N_("Data key rotated")
    VAULT_REENCRYPTED = "vault.reencrypted", N_("Secrets re-encrypted")
    VAULT_KEY_RETIRED = "vault.key_retired", N_("Data key retired")
    VAULT_REWRAPPED = "vault.rewrapped", N_("Data keys rewrapped")
    VAULT_KEYS_DESTROYED = "vault.keys_destroyed", N_("Data keys destroyed")
