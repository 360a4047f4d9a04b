"""A second opinion on the fake: Stripe's own command line sends its own sequences of requests to it.

It comes from npm with its binary inside, and calls the fake only.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.serving import serving
from tests.support.stripe_fake.transport import TEST_KEY

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PROGRAM = Path(__file__).resolve().parents[2] / "node_modules" / ".bin" / "stripe"
_TRIGGERS = {
    "customer.updated": ["customer.created", "customer.updated"],
    "price.created": ["product.created", "price.created"],
    "invoice.paid": ["invoice.created", "invoice.finalized", "invoice_payment.paid", "invoice.paid"],
    "invoice.payment_failed": ["invoice.created", "payment_intent.payment_failed", "invoice.payment_failed"],
    "invoice.voided": ["invoice.finalized", "invoice.voided"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[StripeFake, str]]:
    fake = StripeFake()
    async with serving(fake) as address:
        yield fake, address


@pytest.mark.parametrize("event", sorted(_TRIGGERS))
async def test_stripes_own_requests_pass(served: tuple[StripeFake, str], tmp_path: Path, event: str) -> None:
    fake, address = served
    before = len(fake.world.outbox)
    process = await asyncio.create_subprocess_exec(
        _PROGRAM, "trigger", event, "--api-base", address, "--api-key", f"{TEST_KEY}_1234567890",
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    told = " ".join(one["type"] for one in fake.world.outbox[before:])
    assert re.search(".*".join(map(re.escape, _TRIGGERS[event])), told), told
