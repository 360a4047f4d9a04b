"""Degraded servers and links: slow, hanging, half-open."""

import asyncio
from collections.abc import Callable

import pytest

from tests.drills.inject import FaultInjector
from tests.drills.load import Load
from tests.drills.loaded import assert_whole, make_load, print_recovery, under
from tests.drills.plan import LINK_ACTS, LINKS, TROUBLES, Act, Fault, Target
from tests.drills.web_app import DrillWebApp

pytestmark = pytest.mark.chaos
SECONDS = {Act.FLUSH: 0.0, Act.IMMEDIATE: 0.3}
BREATH_SECONDS = 0.5


async def inject_faults(web_app: DrillWebApp, *faults: Fault) -> tuple[Load, FaultInjector]:
    """Inject each fault after the other, under load."""
    load, inflictor = await make_load(web_app), FaultInjector(web_app)
    async with under(load):
        for fault in faults:
            await asyncio.sleep(BREATH_SECONDS)
            await inflictor.inject(fault)
        await asyncio.sleep(BREATH_SECONDS)
    return load, inflictor


@pytest.mark.parametrize(("act", "target"), [(act, target) for act, target in TROUBLES if target not in LINKS])
async def test_a_faulty_server_loses_and_repeats_nothing(
    web_app: DrillWebApp, act: Act, target: Target, record_property: Callable[[str, object], None]
) -> None:
    load, inflictor = await inject_faults(web_app, Fault(0.0, act, target, SECONDS.get(act, 1.5)))
    await assert_whole(web_app, load)
    record_property("figure", f"recovery after {await print_recovery(web_app, load, inflictor.done)}")


@pytest.mark.parametrize("target", LINKS)
async def test_a_bad_link_loses_and_repeats_nothing(
    web_app: DrillWebApp, target: Target, record_property: Callable[[str, object], None]
) -> None:
    acts = [act for act in LINK_ACTS if act is not Act.HALF_OPEN]
    load, inflictor = await inject_faults(web_app, *(Fault(0.0, act, target, 1.0) for act in acts))
    await assert_whole(web_app, load)
    record_property("figure", f"recovery after {await print_recovery(web_app, load, inflictor.done)}")


@pytest.mark.parametrize("target", [Target.TO_POSTGRES, Target.TO_VALKEY])
async def test_half_open_connections_are_closed(
    web_app: DrillWebApp, target: Target, record_property: Callable[[str, object], None]
) -> None:
    load, inflictor = await inject_faults(web_app, Fault(0.0, Act.HALF_OPEN, target, 0.5))
    await assert_whole(web_app, load)
    record_property("figure", f"recovery after {await print_recovery(web_app, load, inflictor.done)}")


async def test_a_full_disk_is_answered_as_temporary(web_app: DrillWebApp) -> None:
    load = await make_load(web_app)
    async with under(load):
        await load.sent(10)
        await FaultInjector(web_app).fill_disk(load.refused)
    await assert_whole(web_app, load)
