"""Parts of this slice."""

from typing import Final

import governance.assignments.models
from foundation.rooms import Slice
from governance.assignments.audit_actions import AssignmentAction
from governance.assignments.pages import build_assignment_pages
from governance.assignments.routes import COMMENT_ROUTES, build_assignment_routes
from governance.services import with_services

SLICE: Final = Slice(
    models=(governance.assignments.models,),
    audit_actions=(AssignmentAction,),
    routes=with_services(lambda services: (*build_assignment_routes(services.policies), *COMMENT_ROUTES)),
    pages=with_services(lambda services: build_assignment_pages(services.policies)),
)
