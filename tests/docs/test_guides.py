"""Everything that the guides tell readers to type exists: commands with their options, make targets, links, modules."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from controlplane.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_FAIRLEAD = re.compile(r"`(fairlead [^`]+)`|^\s*\$? ?(fairlead [^#\n`]+)", re.MULTILINE)
_MAKE = re.compile(r"\bmake ([a-z][a-z-]+)\b")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_PLACEHOLDER = re.compile(r"…|\.\.\.|<[^>]+>")


def commands(guide: Path) -> list[str]:
    found = (match.group(1) or match.group(2) for match in _FAIRLEAD.finditer(guide.read_text()))
    return [command.strip().rstrip(".,;") for command in found]


def test_the_guides_name_commands() -> None:
    assert sum(len(commands(guide)) for guide in GUIDES) > 10


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_command_and_option_of_a_guide_exists(guide: Path) -> None:
    for command in commands(guide):
        words = [word for word in shlex.split(_PLACEHOLDER.sub("x", command))[1:] if word != "x"]
        node: click.Command = main
        while words and isinstance(node, click.Group) and not words[0].startswith("-"):
            name = words.pop(0)
            known = node.commands.get(name)
            assert known is not None, f"{guide.name} says `{command}`, but there is no command {name}"
            node = known
        options = {name for parameter in node.params for name in parameter.opts} | {"--help", "--version"}
        for word in words:
            if word.startswith("--"):
                assert word.partition("=")[0] in options, f"{guide.name} says `{command}`: no option {word}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_make_target_of_a_guide_exists(guide: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join(re.findall(r"`[^`\n]+`|^\$ .+$", guide.read_text(), re.MULTILINE))
    assert set(_MAKE.findall(code)) <= targets


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(guide: Path) -> None:
    for link in _LINK.findall(guide.read_text()):
        if "://" not in link:
            assert (guide.parent / link).exists(), f"{guide.name} links to {link}"


def test_help_of_every_command_is_helpful() -> None:
    """Each command states its purpose, and the groups of `fairlead --help` list it."""
    runner = CliRunner()
    for path, command in walk(main, []):
        answer = runner.invoke(main, [*path, "--help"])
        assert answer.exit_code == 0, path
        assert command.help, f"{' '.join(path)} says nothing of itself"


def walk(node: click.Command, path: list[str]) -> list[tuple[list[str], click.Command]]:
    found = [(path, node)]
    if isinstance(node, click.Group):
        for name, child in node.commands.items():
            found += walk(child, [*path, name])
    return found
