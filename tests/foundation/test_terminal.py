"""Command output cannot control the terminal, and JSON output is the same for programs."""

import json
import re

import pytest
from click.testing import CliRunner

from controlplane.cli import doctor as doctor_command
from controlplane.cli.checks import Finding
from controlplane.cli.main import main
from controlplane.stack import Stack
from foundation.terminal import print_json, print_text
from foundation.text import has_hidden
from tests.architecture.test_layout import ROOT, modules
from tests.branding.test_foreign_text import HOSTILE


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE.keys())
def test_command_output_contains_no_control_characters(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_text(f"key {key}", mark="ok ")
    written = capsys.readouterr().out
    assert written.startswith("ok key SKU" if not key.startswith("\ufeff") else "ok key ⟨U+FEFF⟩")
    assert not has_hidden(written, lines=True)
    Stack._print_line(f"crashed: {key}")
    assert not has_hidden(capsys.readouterr().err, lines=True)


@pytest.mark.parametrize("key", [key for key in HOSTILE.values() if "\ud800" not in key])
@pytest.mark.parametrize("lines", [1, 0])
def test_json_for_machines_is_the_same_with_escapes(
    key: str,
    lines: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"key": key}, lines=bool(lines))
    written = capsys.readouterr().out
    assert json.loads(written) == {"key": key}
    assert not has_hidden(written, lines=True)


def test_doctor_marks_foreign_text(monkeypatch: pytest.MonkeyPatch) -> None:
    async def examine(environment: object) -> list[Finding]:
        return [Finding("Connection \u202eerp", "said \x1b[2J", "ask \U000e0041")]

    monkeypatch.setattr(doctor_command, "examine", examine)
    for arguments in (["doctor"], ["doctor", "--json"]):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert not has_hidden(result.output, lines=True)


def test_commands_write_through_one_place() -> None:
    direct = {
        str(path.relative_to(ROOT))
        for path in modules()
        if re.search(r"click\.s?echo\(|(?<![\w.])print\(", path.read_text())
    }
    assert direct <= {
        "connectors/sandbox/__main__.py",
        "platform/controlplane/stack.py",
        "platform/foundation/terminal.py",
    }
