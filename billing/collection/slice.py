"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

from billing.collection.collect_job import collect_handler
from billing.collection.commands import COMMANDS
from billing.collection.events_job import apply_handler
from billing.collection.pages import PAGES
from billing.collection.routes import ROUTES, payment_hooks_handler
from billing.collection.sweep_job import read_handler, repair_sweep, sweep_handler
from billing.events import INVOICE_MOVED
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import APPLY_EVENT, COLLECT, JOB_TYPES, READ_INVOICES, SWEEP, CollectInvoice
from billing.permissions import BillingPermission
from foundation.events import Subscription
from foundation.jobs.registry import JobHandler
from foundation.rooms import RoleGrant, Slice, WebPart, build_from


def _jobs(services: PaymentServices) -> Sequence[JobHandler[Any]]:
    return [
        JobHandler(COLLECT, collect_handler(services)),
        JobHandler(APPLY_EVENT, apply_handler(services)),
        JobHandler(SWEEP, sweep_handler(services)),
        JobHandler(READ_INVOICES, read_handler(services)),
    ]


SLICE: Final = Slice(
    routes=ROUTES,
    pages=PAGES,
    web=lambda services: WebPart(mounts=(payment_hooks_handler(services.get(PaymentServices)),)),
    job_types=JOB_TYPES,
    jobs=build_from(PaymentServices, _jobs),
    subscriptions=(Subscription(INVOICE_MOVED, COLLECT, lambda _: CollectInvoice()),),
    repairs=(repair_sweep,),
    commands=COMMANDS,
    grants=(
        RoleGrant("msp_admin", BillingPermission.PAY_INVOICE),  # members assign only roles within their own permissions
        RoleGrant("client_admin", BillingPermission.PAY_INVOICE),
        RoleGrant("client_finance", BillingPermission.PAY_INVOICE),
    ),
)
