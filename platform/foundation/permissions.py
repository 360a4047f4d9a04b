"""Permissions: declared once by the room that checks them."""

from foundation.codes import LabelledCode


class Permission(LabelledCode):
    """Base of a room's permissions. A code is `object:act`."""
