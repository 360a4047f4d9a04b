"""Parts of this slice."""

from typing import Any, Final

import governance.policies.models
from foundation.jobs.registry import JobHandler
from foundation.marks import N_
from foundation.retention import DataClass, RetainedTable
from foundation.rooms import MenuSection, NavArea, NavEntry, Slice
from governance.policies.audit_actions import PolicyDraftAction
from governance.policies.commands import COMMANDS
from governance.policies.inherit_job import inherit_handler
from governance.policies.job_types import INHERIT_POLICY, JOB_TYPES, PUBLISH_SCHEDULED, REPLAY_POLICY
from governance.policies.pages import build_policy_pages
from governance.policies.replay_job import replay_handler
from governance.policies.routes import build_policy_routes
from governance.policies.schedule import repair_publication, schedule_handler
from governance.services import GovernanceServices, with_services
from policy.permissions import PolicyPermission

RETAINED: Final = (
    DataClass(
        "policy_replays", N_("Policy replays"), N_("What a draft of the policy would have decided, change by change."),
        (
            RetainedTable("policy_replay_difference", "replay_id"),
            RetainedTable("policy_replay", "id", closed="state <> 'running'"),
        ),
        default_days=400, least_days=30,
    ),
)  # fmt: skip


def _jobs(services: GovernanceServices) -> list[JobHandler[Any]]:
    return [
        JobHandler(REPLAY_POLICY, replay_handler(services)),
        JobHandler(INHERIT_POLICY, inherit_handler(services)),
        JobHandler(PUBLISH_SCHEDULED, schedule_handler(services)),
    ]


SLICE: Final = Slice(
    audit_actions=(PolicyDraftAction,),
    models=(governance.policies.models,),
    job_types=JOB_TYPES,
    jobs=with_services(_jobs),
    repairs=(repair_publication,),
    routes=with_services(build_policy_routes),
    pages=with_services(build_policy_pages),
    navigation=(
        NavEntry(
            area=NavArea.MSP,
            section=MenuSection.GOVERNANCE,
            position=46,
            label=N_("Policy"),
            path="/policy",
            icon="policy",
            permission=PolicyPermission.READ_POLICY,
        ),
        NavEntry(
            area=NavArea.CLIENT,
            section=MenuSection.GOVERNANCE,
            position=15,
            label=N_("Policy"),
            path="/policy",
            icon="policy",
            permission=PolicyPermission.READ_POLICY,
        ),
    ),
    commands=COMMANDS,
    retained=RETAINED,
)
