"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import billing.payment_account.models
import billing.payments.models
from billing.payment_account.accounts import SEALED
from billing.payment_account.check_job import check_handler
from billing.payment_account.commands import COMMANDS
from billing.payment_account.pages import build_payment_account_pages
from billing.payment_account.routes import build_payment_account_routes
from billing.payment_account.services import PaymentServices
from billing.payments.job_types import CHECK_ACCOUNT
from billing.permissions import BillingPermission
from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, RoleGrant, Slice, build_from


def _services(services: AppServices) -> Sequence[object]:
    settings = services.settings
    return (
        PaymentServices(
            services.db, services.vault, services.outbound, services.clock, settings.stripe_url, settings.stripe
        ),
    )  # fmt: skip


def _jobs(services: PaymentServices) -> Sequence[JobHandler[Any]]:
    return [JobHandler(CHECK_ACCOUNT, check_handler(services))]


SLICE: Final = Slice(
    models=(billing.payment_account.models, billing.payments.models),
    services=_services,
    routes=build_from(PaymentServices, build_payment_account_routes),
    pages=build_from(PaymentServices, build_payment_account_pages),
    job_types=(CHECK_ACCOUNT,),
    jobs=build_from(PaymentServices, _jobs),
    commands=COMMANDS,
    sealed_columns=SEALED,
    grants=(
        RoleGrant("msp_admin", BillingPermission.WRITE_PAYMENT_ACCOUNT),
        RoleGrant("msp_finance", BillingPermission.WRITE_PAYMENT_ACCOUNT),
    ),
)
