"""States are enumerations: code compares and assigns members, never strings, and SQL contains declared states only."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.test_layout import ROOT, modules
from tests.support.machines import MACHINES, STATES

_NAMED = re.compile(r"(^|_)(state|status)$")
_SQL = re.compile(r"\b(?:state|status)\s*(?:=|<>|!=)\s*'([a-z_]+)'|\b(?:state|status)\s+(?:NOT\s+)?IN\s*\(([^()]*)\)")


def bare_states(tree: ast.Module) -> Iterator[int]:
    """Lines that compare or assign a state as a string."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=[right, *_]):
                if _meet(left, right) or _meet(right, left):
                    yield node.lineno
            case ast.Assign(targets=targets, value=value):
                if any(_meet(target, value) for target in targets):
                    yield node.lineno
            case ast.AnnAssign(target=target, value=ast.expr() as value) if _meet(target, value):
                yield node.lineno
            case ast.keyword(arg=str(name), value=value) if _NAMED.search(name) and _is_text(value):
                yield node.lineno
            case ast.arguments():
                named = [*node.posonlyargs, *node.args][-len(node.defaults) :] if node.defaults else []
                pairs = [*zip(named, node.defaults, strict=True), *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
                yield from (one.lineno for one, value in pairs if value and _NAMED.search(one.arg) and _is_text(value))


def _meet(named: ast.expr, value: ast.expr) -> bool:
    if isinstance(named, ast.Tuple) and isinstance(value, ast.Tuple):
        return any(_meet(one, other) for one, other in zip(named.elts, value.elts, strict=False))
    return _name(named) is not None and _is_text(value)


def _name(node: ast.expr) -> str | None:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name if _NAMED.search(name) else None


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(_is_text(one) for one in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value != ""


def sql_states(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Literals that SQL statements compare with a state column or write to it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for one, several in _SQL.findall(node.value):
                yield from ((node.lineno, name) for name in (re.findall(r"'([a-z_]+)'", several) if several else [one]))


def test_no_bare_string_is_a_state() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in modules() for line in bare_states(ast.parse(path.read_text()))
    ]
    assert found == []


def test_sql_names_declared_states_only() -> None:
    named = [(path, *each) for path in modules() for each in sql_states(ast.parse(path.read_text()))]
    assert len(named) > 50
    assert [f"{path.relative_to(ROOT)}:{line} {name}" for path, line, name in named if name not in STATES] == []
    assert len(MACHINES) >= 13


def test_the_check_finds_a_violation() -> None:
    source = """
row.state = "open"
a, row.status = 1, "open"
if row.state != "open" or (row.id, row.state) == (1, "open") or row.state in ("open", "shut"): pass
close(row, state="open")
def f(a, state: str = "open", *, status="open"): pass
fine(state=State.OPEN, status="", role="open")
"""
    assert sorted(bare_states(ast.parse(source))) == [2, 3, 4, 4, 4, 5, 6, 6]
    sql = ast.parse("""q = "SELECT 1 FROM t WHERE t.state = 'opne' AND status NOT IN ('shut', 'ajar')" """)
    assert [name for _, name in sql_states(sql)] == ["opne", "shut", "ajar"]
