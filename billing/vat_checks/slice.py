"""Parts of this slice."""

from typing import Final

import billing.vat_register.models
from billing.vat_checks import vies
from billing.vat_checks.check_job import vat_check_handler
from billing.vat_checks.commands import COMMANDS
from billing.vat_checks.pages import PAGES
from billing.vat_checks.routes import ROUTES
from billing.vat_register.store import CHECK_VAT_ID
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(billing.vat_register.models,),
    routes=ROUTES,
    pages=PAGES,
    job_types=(CHECK_VAT_ID,),
    jobs=lambda services: [JobHandler(CHECK_VAT_ID, vat_check_handler(services.outbound, services.clock, vies.URL))],
    commands=COMMANDS,
)
