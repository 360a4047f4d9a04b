"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import billing.tax_service.models
from billing.events import INVOICE_MOVED
from billing.payment_account.services import PaymentServices
from billing.taxes.calculate_job import calculate_handler
from billing.taxes.commands import COMMANDS
from billing.taxes.job_types import CALCULATE_TAX, JOB_TYPES, RECORD_TAX
from billing.taxes.pages import PAGES
from billing.taxes.record_job import record_handler
from billing.taxes.routes import ROUTES
from foundation.events import Subscription
from foundation.jobs.registry import JobHandler
from foundation.jobs.types import NoPayload
from foundation.rooms import Slice, build_from


def _jobs(services: PaymentServices) -> Sequence[JobHandler[Any]]:
    return [
        JobHandler(CALCULATE_TAX, calculate_handler(services)),
        JobHandler(RECORD_TAX, record_handler(services)),
    ]


SLICE: Final = Slice(
    models=(billing.tax_service.models,),
    routes=ROUTES,
    pages=PAGES,
    job_types=JOB_TYPES,
    jobs=build_from(PaymentServices, _jobs),
    subscriptions=(Subscription(INVOICE_MOVED, RECORD_TAX, lambda _: NoPayload()),),
    commands=COMMANDS,
)
