"""Errors of backup and restore. Each message is one sentence that includes the remedy."""

from http import HTTPStatus

from foundation.errors import DomainError
from foundation.marks import N_


class BackupFailed(DomainError):
    """No backup was created, or nothing was restored."""

    status = HTTPStatus.CONFLICT
    code = "backup-failed"
    title = N_("The backup or restore failed")


class BackupInvalid(BackupFailed):
    """A backup is partial, damaged or changed, or its keys are missing."""

    code = "backup-invalid"
    title = N_("The backup cannot be used")
