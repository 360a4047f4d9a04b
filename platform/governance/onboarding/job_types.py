"""Job types and lanes of client templates."""

from typing import Final

import msgspec

from foundation.jobs.types import JobType
from foundation.marks import N_

TEMPLATE_LANE: Final = "client_template"


class TemplateBilling(msgspec.Struct, frozen=True, omit_defaults=True):
    """The actor that applied the template."""

    kind: str
    id: str
    name: str
    counts_as: str = ""


SET_TEMPLATE_BILLING: Final = JobType(
    "governance.set_template_billing", N_("Set plan and prices of a client template"), TemplateBilling, batch=10
)
