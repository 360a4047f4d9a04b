"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.playbooks.content import PlaybookContent, PlaybookTask
from governance.playbooks.save_playbook import load_playbook, save_playbook
from governance.playbooks.work import start_project
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    """Add a playbook with a project of the client."""
    tasks = PlaybookContent([PlaybookTask(phase=text, task=text, days=1)])
    async with env.services.db.transaction(env.msp_account) as session:
        saved = await save_playbook(session, name=text, content=tasks, now=utc_now(), new_id=new_id)
        playbook = await load_playbook(session, saved.playbook_id)
    async with env.services.db.transaction(env.scope) as session:
        await start_project(session, playbook, starts_on=None, now=utc_now(), new_id=new_id)
