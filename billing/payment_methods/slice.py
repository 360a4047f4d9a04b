"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import billing.payment_methods.models
from billing.payment_account.services import PaymentServices
from billing.payment_methods.change_job import change_handler
from billing.payment_methods.commands import COMMANDS
from billing.payment_methods.job_types import CHANGE_METHOD, JOB_TYPES
from billing.payment_methods.pages import PAGES
from billing.payment_methods.routes import ROUTES
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice, build_from


def _jobs(services: PaymentServices) -> Sequence[JobHandler[Any]]:
    return [JobHandler(CHANGE_METHOD, change_handler(services))]


SLICE: Final = Slice(
    models=(billing.payment_methods.models,),
    routes=ROUTES,
    pages=PAGES,
    job_types=JOB_TYPES,
    jobs=build_from(PaymentServices, _jobs),
    commands=COMMANDS,
)
