"""What can go wrong with a backup, each said in one sentence that tells what to do."""

from http import HTTPStatus

from foundation.errors import DomainError


class BackupFailed(DomainError):
    """No backup was made, or nothing was restored."""

    status = HTTPStatus.CONFLICT
    code = "backup-failed"
    title = "The backup or restore was not carried out"


class BackupInvalid(BackupFailed):
    """A backup is partial, damaged or changed, or its keys are missing."""

    code = "backup-invalid"
    title = "The backup cannot be used"
