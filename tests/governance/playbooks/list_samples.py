"""Rows of this slice's lists, for the tests of every list."""

from datetime import date

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.playbooks.content import PlaybookContent, PlaybookTask
from governance.playbooks.queries import find_project
from governance.playbooks.save_playbook import save_playbook
from governance.playbooks.schemas import PlaybookView, TaskInput
from governance.playbooks.work import change_task, start_project
from tenants.accounts import create_client
from tests.support.list_rows import ListSample, Matches, Rows


async def add_playbook(rows: Rows, number: int) -> Matches | None:
    content = PlaybookContent([PlaybookTask(phase="One", task="Begin", days=1)])
    async with rows.db.transaction(rows.env.msp_account) as session:
        name = f"{rows.name(number)} {number}"
        await save_playbook(session, name=name, content=content, now=utc_now(), new_id=new_id)
    return None


async def add_stuck_task(rows: Rows, number: int) -> Matches:
    """A task of another client, which is overdue."""
    scope = rows.env.msp_account.for_tenant(new_id())
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    async with rows.db.transaction(scope) as session:
        await create_client(session, name=rows.name(number), slug=slug, currency="EUR", now=utc_now())
        content = PlaybookContent(
            [PlaybookTask(phase="One", workstream=f"Stream {number}", task=rows.name(number), days=number)]
        )
        playbook = PlaybookView(
            id=new_id(), name="P", revision=1, changed_at=utc_now(), changed_by="Ada", content=content
        )
        await start_project(session, playbook, starts_on=date(2026, 1, 5), now=utc_now(), new_id=new_id)
        project = await find_project(session, today=date(2026, 1, 5))
        assert project is not None
        owner = f"Owner {number}"
        await change_task(session, project.phases[0].tasks[0].id, TaskInput(owner=owner), now=utc_now())
    return {"problem": ["overdue", "any"], "workstream": [f"Stream {number}"], "owner": [owner.upper()]}


SAMPLES: dict[str, ListSample] = {"onboarding-tasks": add_stuck_task, "playbooks": add_playbook}
