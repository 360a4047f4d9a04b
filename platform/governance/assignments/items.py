"""Identifiers of an item: in this slice's tables, in the audit trail, and in the path of its page."""

from uuid import UUID

from governance.escalations.schemas import EscalationSubject, OpenItem


def subject_of(item: OpenItem) -> UUID:
    """Id of the exception, or of the change that needs approval: a further approval of it keeps the assignee and
    comments.
    """
    return item.change_id if item.about == EscalationSubject.APPROVAL and item.change_id else item.id


def audit_subject(item: OpenItem) -> str:
    return f"{'change' if item.about == EscalationSubject.APPROVAL else 'exception'}:{subject_of(item)}"


def path_of(item: OpenItem) -> str:
    """The item's page, after the account's root."""
    return f"/{'approvals' if item.about == EscalationSubject.APPROVAL else 'exceptions'}/{subject_of(item)}"
