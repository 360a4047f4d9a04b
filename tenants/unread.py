"""Number of a member's unread notifications, for the bell of every page."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ScalarSelect, func, or_, select

from tenants.models import Notification

MOST: Final = 100
"""Limit of the bell's number."""


def count_unread(tenant_id: UUID, member_id: UUID) -> ScalarSelect[Any]:
    """SQL expression, to be added to another statement. What happened in the member's quiet hours counts after them."""
    own = (Notification.tenant_id == tenant_id, Notification.member_id == member_id, Notification.read_at.is_(None))
    counts = or_(Notification.counts_from.is_(None), Notification.counts_from <= func.now())
    limited = select(Notification.id).where(*own, counts).limit(MOST).subquery()
    return select(func.count()).select_from(limited).scalar_subquery()
