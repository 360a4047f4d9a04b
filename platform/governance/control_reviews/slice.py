"""Parts of this slice."""

from typing import Final

import governance.control_reviews.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.rooms import MenuSection, NavArea, NavEntry, RoleGrant, Slice
from governance.control_reviews.audit_actions import ReviewAction
from governance.control_reviews.collect_job import collect_handler
from governance.control_reviews.commands import COMMANDS
from governance.control_reviews.job_types import COLLECT_EVIDENCE
from governance.control_reviews.pages import REVIEW_PAGES
from governance.control_reviews.permissions import ReviewPermission
from governance.control_reviews.review import watch_reviews
from governance.control_reviews.routes import REVIEW_ROUTES
from governance.services import with_services

SLICE: Final = Slice(
    models=(governance.control_reviews.models,),
    job_types=(COLLECT_EVIDENCE,),
    jobs=with_services(lambda services: [JobHandler(COLLECT_EVIDENCE, collect_handler(services))]),
    repairs=(watch_reviews,),
    routes=lambda _: REVIEW_ROUTES,
    pages=lambda _: REVIEW_PAGES,
    permissions=(ReviewPermission,),
    audit_actions=(ReviewAction,),
    grants=(
        *(
            RoleGrant(role, ReviewPermission.READ_REVIEWS)
            for role in ("msp_operator", "msp_auditor", "client_admin", "client_auditor")
        ),
        RoleGrant("msp_admin", ReviewPermission.SCHEDULE_REVIEWS),
        RoleGrant("msp_admin", ReviewPermission.SIGN_REVIEWS),
    ),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.GOVERNANCE,
            position=49,
            label=N_("Control reviews"),
            path="/control-reviews",
            icon="check-circle",
            permission=ReviewPermission.READ_REVIEWS,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.GOVERNANCE,
            position=49,
            label=N_("Control reviews"),
            path="/control-reviews",
            icon="check-circle",
            permission=ReviewPermission.READ_REVIEWS,
        ),
    ),
    commands=COMMANDS,
)
