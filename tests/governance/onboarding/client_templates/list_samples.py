"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.onboarding.client_templates.content import TemplateConnection, TemplateContent
from governance.onboarding.client_templates.save import create_template, save_version
from governance.onboarding.client_templates.store import load_version
from governance.onboarding.create_client import create_client as start_onboarding
from tenants.client_input import ClientInput
from tests.support.list_rows import ListSample, Matches, Rows


async def add_template(rows: Rows, number: int) -> Matches | None:
    async with rows.db.transaction(rows.env.msp_account) as session:
        await create_template(
            session, name=f"{rows.name(number)} {number}", content=TemplateContent(), now=utc_now(), new_id=new_id
        )
    return None


async def add_template_client(rows: Rows, number: int) -> Matches:
    """A client with the first version of a template; every other template has a second one."""
    account = rows.env.msp_account
    name = f"{rows.name(number)} {number}"
    async with rows.db.transaction(account) as session:
        template_id = await create_template(session, name=name, content=TemplateContent(), now=utc_now(), new_id=new_id)
        version = await load_version(session, template_id)
    slug = f"{rows.tag.lower()}-{number}-{new_id().hex[-6:]}"
    new = ClientInput(name=rows.name(number), slug=slug, currency="EUR")
    scope = account.for_tenant(new_id())
    await start_onboarding(rows.db, scope, new, clock=utc_now, new_id=new_id, template=version)
    if number % 2:
        content = TemplateContent(connections=[TemplateConnection("ERP", "sandbox-erp")])
        async with rows.db.transaction(account) as session:
            await save_version(session, template_id, content, now=utc_now())
    return {"status": ["behind" if number % 2 else "current"], "drift": ["same"], "template": [name]}


SAMPLES: dict[str, ListSample] = {"client-templates": add_template, "template-clients": add_template_client}
