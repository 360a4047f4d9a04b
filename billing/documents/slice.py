"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

import billing.documents.models
from billing.documents.commands import COMMANDS
from billing.documents.mail_job import InvoiceMails, mail_handler
from billing.documents.make_job import documents_handler, repair_documents
from billing.documents.meters import DOCUMENTS_MADE
from billing.documents.pages import DOCUMENT_PAGES
from billing.documents.routes import DOCUMENT_ROUTES
from billing.job_types import MAIL_INVOICE, MAKE_DOCUMENTS
from foundation.jobs.registry import JobHandler
from foundation.rooms import AppServices, Slice
from tenants.mail.mailer import Mailer


def _jobs(services: AppServices) -> Sequence[JobHandler[Any]]:
    mails = InvoiceMails(services.get(Mailer), services.clock)
    return [
        JobHandler(MAKE_DOCUMENTS, documents_handler(services.clock)),
        JobHandler(MAIL_INVOICE, mail_handler(mails)),
    ]


SLICE: Final = Slice(
    models=(billing.documents.models,),
    routes=DOCUMENT_ROUTES,
    pages=DOCUMENT_PAGES,
    job_types=(MAKE_DOCUMENTS, MAIL_INVOICE),
    jobs=_jobs,
    repairs=(repair_documents,),
    meters=(DOCUMENTS_MADE,),
    commands=COMMANDS,
)
