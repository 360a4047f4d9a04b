"""Rights at the execution of earlier requests: none for suspended staff, and none for a key beyond its creator's."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from controlplane.provisioning import NewAccountMember, add_member
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Actor, Scope
from governance.permissions import GovernancePermission
from policy.permissions import PolicyPermission
from tenants.auth.api_keys import NewApiKey, create_api_key
from tenants.members.repository import mark_suspended
from tenants.members.rights import MemberRights
from tenants.models import AccessGrant, Client
from tenants.secrets import new_secret
from tenants.states import AccessState, StaffAccess
from tests.support.client_env import ClientEnv
from tests.support.shared_web_app import own_env, shared_relay_db, shared_services  # noqa: F401 - fixtures
from tests.support.web_app import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def member_of(env: ClientEnv, scope: Scope, role: str) -> UUID:
    email = f"{new_id().hex}@example.test"
    return await add_member(env.services, scope, NewAccountMember(email, "Ann Example", PASSWORD, role))


async def suspend(env: ClientEnv, scope: Scope, member: UUID) -> None:
    async with env.services.db.transaction(scope) as session:
        await mark_suspended(session, member_id=member, reason="left", now=utc_now())


async def lapsed(env: ClientEnv, *ids: UUID, permission: str) -> set[str]:
    rights = MemberRights(env.services.db, env.services.policies)
    return set((await rights.find(env.scope, map(str, ids), permissions=(permission,))).lapsed)


@pytest.mark.parametrize("of_staff", [False, True])
async def test_a_key_lapses_with_its_creator(env: ClientEnv, *, of_staff: bool) -> None:
    home, role = (env.msp_account, "msp_admin") if of_staff else (env.scope, "client_operations")
    maker, other = [await member_of(env, home, role) for _ in range(2)]
    keys = []
    for one in (maker, other):
        by = replace(env.scope, actor=Actor("member", str(one), "Maker"))
        async with env.services.db.transaction(by) as session:
            key, _ = await create_api_key(session, new_secret, NewApiKey(new_id(), "Price tool"), now=utc_now())
        keys.append(key.id)
    assert await lapsed(env, *keys, permission=GovernancePermission.PROPOSE_CHANGE) == set()
    await suspend(env, home, maker)
    assert await lapsed(env, *keys, permission=GovernancePermission.PROPOSE_CHANGE) == {str(keys[0])}


async def test_suspended_staff_keep_no_rights_by_access_that_was_granted(env: ClientEnv) -> None:
    here, gone = [await member_of(env, env.msp_account, "msp_admin") for _ in range(2)]
    async with env.services.db.transaction(env.scope) as session:
        own = Client.tenant_id == env.scope.tenant_id
        await session.execute(update(Client).where(own).values(staff_access=StaffAccess.ON_REQUEST))
        for one in (here, gone):
            granted = {"state": AccessState.GRANTED, "decided_at": utc_now(), "ends_at": utc_now() + timedelta(hours=1)}
            session.add(
                AccessGrant(
                    **env.own, id=new_id(), member_id=one, member_name="Ann", role="msp_admin", reason="help", hours=1,
                    requested_at=utc_now(), **granted,
                )
            )  # fmt: skip
    assert await lapsed(env, here, gone, permission=PolicyPermission.DECIDE_APPROVAL) == set()
    await suspend(env, env.msp_account, gone)
    assert await lapsed(env, here, gone, permission=PolicyPermission.DECIDE_APPROVAL) == {str(gone)}
