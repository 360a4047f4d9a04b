"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import tenants.password_reset.models
from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, Slice
from tenants.auth.services import AuthServices
from tenants.password_reset.audit_actions import PasswordResetAction
from tenants.password_reset.pages import build_reset_pages
from tenants.password_reset.request import REQUEST_RESET, reset_request_handler
from tenants.password_reset.routes import PASSWORD_RESET_ROUTES


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    handler = reset_request_handler(services.db, services.vault, services.get(AuthServices))
    return [JobHandler(REQUEST_RESET, handler)]


SLICE: Final = Slice(
    models=(tenants.password_reset.models,),
    job_types=(REQUEST_RESET,),
    jobs=_jobs,
    routes=PASSWORD_RESET_ROUTES,
    pages=build_reset_pages,
    audit_actions=(PasswordResetAction,),
)
