"""Stripe's own command line tool against the fake: an independent check of its requests."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.no_skips import OPTIONAL_TOOL
from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.serving import serving_pages

_CLI: Final = Path(__file__).parents[2] / "node_modules" / "@stripe" / "cli-linux-x64" / "bin" / "stripe"
_NOWHERE: Final = "http://127.0.0.1:9"
"""A proxy that does not answer, so that the tool does not look for its newer versions."""


@pytest.mark.skipif(not _CLI.exists(), reason=f"{OPTIONAL_TOOL}@stripe/cli-linux-x64")
@pytest.mark.parametrize(
    "event", ["customer.created", "payment_method.attached", "invoice.paid", "invoice.payment_failed"]
)
def test_the_events_of_stripes_own_tool_happen_at_the_fake(event: str, tmp_path: Path) -> None:
    fake = StripeFake()
    quiet = {
        "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": os.environ["PATH"],
        "STRIPE_CLI_TELEMETRY_OPTOUT": "1", "HTTPS_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    with serving_pages(fake) as address:
        command = [str(_CLI), "trigger", event, "--api-base", address, "--api-key", "sk_test_harbour4242"]
        run = subprocess.run(command, env=quiet, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    happened = {one["type"] for one in fake.world.platform.of_kind("event")}
    assert event in happened, happened
