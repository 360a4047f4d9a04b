"""Rows of this slice for the canary: none of them may reach another tenant."""

from foundation.clock import utc_now
from foundation.ids import new_id
from governance.onboarding.client_templates.apply import apply_version
from governance.onboarding.client_templates.content import TemplateConnection, TemplateContent
from governance.onboarding.client_templates.save import create_template
from governance.onboarding.client_templates.store import load_version
from tests.support.client_env import ClientEnv


async def add_rows(env: ClientEnv, text: str) -> None:
    """A template that the client follows."""
    content = TemplateContent(connections=[TemplateConnection(text, "sandbox-erp")])
    async with env.services.db.transaction(env.msp_account) as session:
        template_id = await create_template(session, name=text, content=content, now=utc_now(), new_id=new_id)
        version = await load_version(session, template_id)
    async with env.services.db.transaction(env.scope) as session:
        await apply_version(session, version, registry={}, now=utc_now(), new_id=new_id)
