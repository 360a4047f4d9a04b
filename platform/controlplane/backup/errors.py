"""Errors of backup and restore. Each message is one sentence that includes the remedy."""

from http import HTTPStatus

from foundation.errors import DomainError


class BackupFailed(DomainError):
    """No backup was created, or nothing was restored."""

    status = HTTPStatus.CONFLICT
    code = "backup-failed"
    title = "The backup or restore was not carried out"


class BackupInvalid(BackupFailed):
    """A backup is partial, damaged or changed, or its keys are missing."""

    code = "backup-invalid"
    title = "The backup cannot be used"
