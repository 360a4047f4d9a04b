"""Job that collects the evidence of a client's control reviews."""

from foundation.jobs.batch import Batch
from foundation.jobs.registry import Handler
from foundation.jobs.types import NoPayload
from governance.control_reviews.findings import collect_findings
from governance.control_reviews.review import record_evidence
from governance.onboarding.queries import load_facts
from governance.services import GovernanceServices


def collect_handler(services: GovernanceServices) -> Handler[NoPayload]:
    async def collect_evidence(batch: Batch[NoPayload]) -> None:
        now, scope, db = services.clock(), batch.scope, services.database
        async with db.transaction(scope.for_fleet()) as session:
            facts, _ = await load_facts(session, scope.tenant_id, now=now)
        async with db.transaction(scope) as session:
            findings = await collect_findings(session, facts, now=now)
        async with batch.commit() as session:
            await record_evidence(session, findings, now=now, new_id=services.new_id)

    return collect_evidence
