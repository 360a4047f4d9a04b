"""The walkthrough's commands run as printed, one after the other."""

import re
import secrets
import shlex
from pathlib import Path

import pytest

from tests.controlplane.test_cli import run_program

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/tryton-vendure.md"
_COMMAND = re.compile(r"^\$ fairlead (.+)$", re.MULTILINE)


async def test_the_walkthrough_can_be_followed(
    environment: dict[str, str | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("admin-password", "tryton-password", "vendure-password"):
        (tmp_path / name).write_text("copper lantern over seven hills\n")
    own = f"northbeam-{secrets.token_hex(4)}"  # other tests have MSPs of their own
    printed: dict[str, str] = {"northbeam": own}
    commands = _COMMAND.findall(GUIDE.read_text())
    assert len(commands) == 7
    for command in commands:
        typed = re.sub("|".join(map(re.escape, printed)), lambda found: printed[found[0]], command)
        if typed.startswith("connection create"):
            typed += " --skip-test"  # the guide's systems do not exist
        status, output = await run_program(environment, *shlex.split(typed))
        assert status == 0, f"{typed}: {output}"
        if found := re.search(r"connection ([0-9a-f-]{36})", output):
            printed.setdefault("<tryton-id>", found[1])
        if found := re.search(r"price book ([0-9a-f-]{36})", output):
            printed["<book-id>"] = found[1]
    assert {"<tryton-id>", "<book-id>"} <= set(printed)
