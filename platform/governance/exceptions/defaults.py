"""Default correction time of an exception."""

DEFAULT_CORRECTION_MS = 4 * 3600 * 1000
