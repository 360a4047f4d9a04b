"""What this slice adds to the product."""

from typing import Final

import billing.documents.models
from billing.documents.commands import COMMANDS
from billing.documents.make_job import documents_handler
from billing.documents.pages import DOCUMENT_PAGES
from billing.documents.routes import DOCUMENT_ROUTES
from billing.job_types import MAKE_DOCUMENTS
from foundation.jobs.registry import JobHandler
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(billing.documents.models,),
    routes=DOCUMENT_ROUTES,
    pages=DOCUMENT_PAGES,
    job_types=(MAKE_DOCUMENTS,),
    jobs=lambda services: (JobHandler(MAKE_DOCUMENTS, documents_handler(services.clock)),),
    commands=COMMANDS,
)
