"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from tenants.list_views.models import SavedListView
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    """A view of a list that is shared in the client, and one in its MSP's account."""
    for scope in (env.scope, env.msp_account):
        own = {"tenant_id": scope.tenant_id, "msp_id": scope.msp_id, "id": new_id(), "member_id": new_id()}
        shown = {"list_name": "changes", "name": text, "filters": {}, "sort": "", "columns": []}
        async with env.services.db.transaction(scope) as session:
            session.add(SavedListView(**own, **shown, is_shared=True, saved_at=utc_now(), saved_by=text))
