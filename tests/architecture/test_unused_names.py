"""Every function, class and constant of the product is used by the product, not by tests only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_layout import PACKAGES, ROOT
from tests.support.affected import module_name

ALLOWED = {
    "billing.limits.allowance.require_allowance": "for rooms whose usage is limited; none is yet",
    "billing.subscriptions.states.SUBSCRIPTIONS": "transitions, which tests compare with those in the database",
    "governance.baseline.states.BASELINE_PARTS": "likewise",
    "tenants.states.INVITATIONS": "likewise",
    "foundation.i18n.messages.LEGACY": "stored by migrations",
    "foundation.vault.rotation.destroy_keys": "for the deletion of accounts, which has no page yet",
    "policy.oracle.PolicyOracle": "the meaning of the rules, with which tests compare the index (decision 5)",
}
"""Unused names with reasons. `billing.pricing` is a library whose functions docs/pricing.md lists."""
LIBRARY = "billing.pricing."
FRAMEWORK_FILES = {"models.py"}


def definitions(tree: ast.Module) -> Iterator[str]:
    """Top-level names of a module, except functions that a decorator registers."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) or (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list
        ):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def reads(tree: ast.Module) -> set[str]:
    """Names that a module reads itself, also in annotations written as strings."""
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return loaded | {text for text in texts if text.isidentifier()}


def unused(trees: dict[Path, ast.Module]) -> list[str]:
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    imported = {
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return [
        f"{module_name(path)}.{name}"
        for path, tree in trees.items()
        if path.name not in FRAMEWORK_FILES and "migrations" not in path.parts
        for known in [reads(tree) | attributes]
        for name in definitions(tree)
        if not name.startswith("__") and name not in known and f"{module_name(path)}.{name}" not in imported
    ]


@pytest.fixture(scope="module")
def names() -> list[str]:
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return unused({path.relative_to(ROOT): ast.parse(path.read_text()) for path in sources})


def test_the_product_uses_what_it_defines(names: list[str]) -> None:
    found = [name for name in names if not name.startswith(LIBRARY)]
    assert sorted(found) == sorted(ALLOWED)


def test_the_functions_of_the_library_are_documented(names: list[str]) -> None:
    documented = (ROOT / "docs" / "pricing.md").read_text()
    library = [name.rpartition(".")[2] for name in names if name.startswith(LIBRARY)]
    assert [name for name in library if f"`{name}" not in documented] == []


def test_a_name_that_only_its_definition_has_is_found() -> None:
    code = "def a(): b()\ndef b(): ...\nC = 1\n@get\ndef d(): ...\ndef e(x: 'F'): ...\nclass F: ..."
    user = "from sales.orders import e\nvar.C"
    trees = {Path("sales/orders.py"): ast.parse(code), Path("sales/pages.py"): ast.parse(user)}
    assert unused(trees) == ["sales.orders.a"]
