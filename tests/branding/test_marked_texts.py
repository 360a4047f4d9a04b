"""Every text of a converted template is marked for translation, so that no page is half in another language."""

import re
from pathlib import Path

import jinja2
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("platform/governance/templates", "tenants/templates", "billing/templates", "branding/templates")
NOT_CONVERTED = {
    "design.html",  # a sample page for developers
    "local_index.html",  # for the operator of a machine, before there is a brand
    "icons.html",
    "held_values.html",
    "retention_defaults.html",
    "device_link.html",
}
TEMPLATES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*.html") if path.name not in NOT_CONVERTED
)
_ENVIRONMENT = jinja2.Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
_TAG = re.compile(r"<!--.*?-->|<(script|style|svg|code)\b.*?</\1>|<[^>]*>", re.DOTALL)


def unmarked(path: Path) -> list[str]:
    """Words that stand between the tags of the template itself. What an expression writes is left out."""
    tokens = _ENVIRONMENT.lex(path.read_text())
    # An expression becomes a sign without letters, so that the tags around it stay whole.
    source = "".join(value if kind == "data" else "\x01" for _, kind, value in tokens if kind != "comment")
    return [text.strip() for text in re.split(r"[\x01\n]", _TAG.sub("\x01", source)) if re.search(r"[A-Za-z]{3}", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_text_stands_unmarked_in_a_template(path: Path) -> None:
    assert unmarked(path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_takes_the_name_of_the_translation(path: Path) -> None:
    """`set _ = …` would make every later `_("…")` of the template fail."""
    assert not re.search(r"\{%-?\s*(?:set|for)\s+_\b", path.read_text())


def test_an_unmarked_text_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p class="{{ kind }}">{{ _("Marked") }} and not</p><b>{% if x %}Open{% endif %}</b>')
    assert unmarked(page) == ["and not", "Open"]
