"""Audited actions of foundation."""

from foundation.audit.actions import AuditAction


class FoundationAction(AuditAction):
    DEAD_LETTER_REPLAYED = "dead_letter.replayed", "Failed job replayed"
    DEAD_LETTER_DISCARDED = "dead_letter.discarded", "Failed job discarded"
    VAULT_KEY_CREATED = "vault.key_created", "Data key created"
    VAULT_KEY_ROTATED = "vault.key_rotated", "Data key rotated"
    VAULT_REENCRYPTED = "vault.reencrypted", "Secrets encrypted anew"
    VAULT_KEY_RETIRED = "vault.key_retired", "Data key retired"
    VAULT_REWRAPPED = "vault.rewrapped", "Data keys wrapped anew"
    VAULT_KEYS_DESTROYED = "vault.keys_destroyed", "Data keys destroyed"
