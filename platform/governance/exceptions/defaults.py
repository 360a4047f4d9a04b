"""How long an exception may take by default."""

DEFAULT_CORRECTION_MS = 4 * 3600 * 1000
