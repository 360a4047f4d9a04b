"""Audited actions: declared once by the room that does them."""

from foundation.codes import LabelledCode


class AuditAction(LabelledCode):
    """Base of a room's audited actions. A code is `noun.past participle`."""
