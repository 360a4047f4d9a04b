"""Every text for people is marked for translation, so that no page or problem mixes languages."""

import ast
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import jinja2
import pytest

from foundation.errors import DomainError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("platform", "tenants", "billing", "branding")
NOT_CONVERTED = {
    "design.html",  # a sample page for developers
    "local_index.html",  # for the operator of a machine, before there is a brand
    "icons.html",
}
CODES = frozenset({"needs attention", "closest form"})
"""Values compared in templates, and selectors of htmx."""
TEMPLATES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.html") if path.name not in NOT_CONVERTED
)
_ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
_TAG = re.compile(r"<!--.*?-->|<(script|style|svg|code)\b.*?</\1>|<[^>]*>", re.DOTALL)


_SENTENCE = re.compile(r"^[A-Z][a-z]{2,}|[A-Za-z]{3,},? [a-z]{2,}[^=]*$")
_AFTER_A_VALUE = re.compile(r"\|\w+(\([^)]*\))? ~ $")
_MARKED = re.compile(r"""\b(_|gettext|may)\(\s*$|\bngettext\([^)]*$|(==|in) \(?[^)]*$""")
PACKAGES = (
    "foundation", "canonical", "policy", "governance", "controlplane", "tenants", "billing", "branding", "connectors",
)  # fmt: skip
SOURCES = ("platform", "tenants", "billing", "branding", "connectors")
AT_THE_COMMAND_LINE = frozenset(
    {"AlreadyRunning", "BackupFailed", "BackupInvalid", "EmbeddedServerFailed", "MigrationRefused", "PortTaken"}
)
_OPERATORS = re.compile(
    r"/cli/|commands\.py$|command_options|controlplane/(backup|demo|embedded)/|controlplane/[a-z_]+\.py$|sandbox/|"
    r"foundation/audit_heads|clock_guard|(vendure|tryton)/"
)
"""Texts for operators only (command line, logs), and connectors, whose answers are data of a connection."""


def unmarked(path: Path) -> list[str]:
    """Words between the tags of the template itself. Output of expressions is excluded."""
    tokens = _ENVIRONMENT.lex(path.read_text())
    # An expression becomes a character without letters, so that the tags around it stay intact.
    source = "".join(value if kind == "data" else "\x01" for _, kind, value in tokens if kind != "comment")
    return [text.strip() for text in re.split(r"[\x01\n]", _TAG.sub("\x01", source)) if re.search(r"[A-Za-z]{3}", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_a_template_is_marked(path: Path) -> None:
    assert unmarked(path) == []


def unmarked_literals(path: Path) -> list[str]:
    """Words in literals of expressions, such as the title of a card."""
    found, before = [], ""
    for _, kind, value in _ENVIRONMENT.lex(path.read_text()):
        text = value[1:-1] if kind == "string" else ""
        is_unit = _AFTER_A_VALUE.search(before) and re.match(r" [a-z]{2}", text)
        if is_unit or (_SENTENCE.search(text) and text not in CODES and not _MARKED.search(before)):
            found.append(text)
        before = f"{before}{value}"[-200:] if kind != "data" else ""
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_text_of_an_expression_is_marked(path: Path) -> None:
    assert unmarked_literals(path) == []


def errors() -> frozenset[str]:
    """Names of error classes that are shown to people. Errors of the command line only are in English."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__") and "migrations" not in module.name:
                import_module(module.name)
    found, left = set[str](), [DomainError]
    while left:
        one = left.pop()
        found.add(one.__name__)
        left += one.__subclasses__()
    return frozenset(found) - AT_THE_COMMAND_LINE


def unmarked_refusals(tree: ast.AST, names: frozenset[str]) -> Iterator[str]:
    """Sentences of errors, including f-strings, that are not inside `N_`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
            text = node.args[0]
            words = text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else ""
            if isinstance(text, ast.JoinedStr) or " " in words:
                yield f"{node.lineno}: {ast.unparse(text)}"


def test_no_refusal_has_an_unmarked_sentence() -> None:
    names = errors()
    found = [
        f"{path.relative_to(ROOT)}:{one}"
        for package in SOURCES
        for path in sorted((ROOT / package).rglob("*.py"))
        if not _OPERATORS.search(str(path.relative_to(ROOT)))
        for one in unmarked_refusals(ast.parse(path.read_text()), names)
    ]
    assert found == []
    assert len(names) > 50


def test_an_unmarked_refusal_is_found() -> None:
    code = 'NotFound("No such thing."); NotFound(f"No {x}."); NotFound(N_("Nothing here.")); NotFound()'
    found = unmarked_refusals(ast.parse(code), frozenset({"NotFound"}))
    assert [one.partition(": ")[2] for one in found] == ["'No such thing.'", "f'No {x}.'"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_redefines_the_translation_function(path: Path) -> None:
    """`set _ = …` would make every later `_("…")` of the template fail."""
    assert not re.search(r"\{%-?\s*(?:set|for)\s+_\b", path.read_text())


def test_an_unmarked_text_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p class="{{ kind }}">{{ _("Marked") }} and not</p><b>{% if x %}Open{% endif %}</b>')
    assert unmarked(page) == ["and not", "Open"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('size|grouped ~ " bytes"', [" bytes"]),
        ('at|datetime(seconds=true) ~ " by " ~ name', [" by "]),
        ('kind ~ " is-late"', []),
        ('_("{number} bytes", number=size|grouped)', []),
    ],
)
def test_an_unmarked_word_beside_a_value_is_found(tmp_path: Path, expression: str, found: list[str]) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"{{{{ {expression} }}}}")
    assert unmarked_literals(page) == found
