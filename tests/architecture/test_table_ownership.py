"""Table ownership: a room names its own tables only, and reads others through relations and functions of their room.

Checks all SQL in strings and f-strings, and uses of table classes in expressions. Import contracts do not cover table
names in strings.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.test_layout import ROOT, modules
from tests.support.owned_tables import owned_tables

OWNER = dict(owned_tables())
_SQL = re.compile(r"\b(SELECT|FROM|WHERE|JOIN|INSERT|UPDATE|DELETE|EXISTS|TABLE)\b")
_QUOTED = re.compile(r"'[^']*'")
_COMMENT = re.compile(r"--[^\n]*")
_WORD = re.compile(r"(?<![\w.:%(])([a-z_][a-z_0-9]*)\b")
_POSITION = (
    r"\b(?:FROM|JOIN|INTO|UPDATE|ONLY|TABLE|USING)\s+(?:ONLY\s+)?{0}\b"
    r"|,\s*{0}\s+(?:AS\s+)?[a-z]\w*\b|^\s*{0}\s+[A-Za-z]"
)


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "platform" else parts[0]


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Strings with their line numbers; each f-string as one text. Docstrings are excluded."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(v.value) if isinstance(v, ast.Constant) else " … " for v in node.values)
            yield from (found for v in node.values if isinstance(v, ast.FormattedValue) for found in texts(v))
        else:
            yield from texts(node)


def tables_in(sql: str) -> set[str]:
    """Names of our tables where SQL refers to a table, also in fragments that are embedded in other SQL."""
    if not _SQL.search(sql) and sql not in OWNER:
        return set()
    bare = _QUOTED.sub("''", _COMMENT.sub("", sql))
    return {
        word for word in set(_WORD.findall(bare)) & OWNER.keys()
        if bare.strip() == word or re.search(_POSITION.format(word), bare)
    }  # fmt: skip


def foreign_sql(path: Path) -> list[str]:
    room, tree = room_of(path), ast.parse(path.read_text())
    sources = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "tables"]
    whole = [(one.lineno, str(one.value)) for one in sources if isinstance(one, ast.Constant)]
    return [
        f"{path.relative_to(ROOT)}:{line} names {table} of {OWNER[table]}"
        for line, sql in [*whole, *((line, sql) for line, sql in texts(tree) if _SQL.search(sql))]
        for table in sorted(tables_in(sql))
        if OWNER[table] != room
    ]


def foreign_models(path: Path) -> list[str]:
    """Table classes of other rooms used in expressions. Passing a row on, or naming its type, is allowed."""
    tree, room = ast.parse(path.read_text()), room_of(path)
    imported = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith("models")
        for alias in node.names
        if node.module.split(".")[0] != room
    }
    columns = {
        node.value.id: node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported
        if not node.attr.isupper()  # members of enumerations
    }
    called = {
        argument.id: node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for argument in [node.func, *node.args]
        if isinstance(argument, ast.Name) and argument.id in imported
    }
    return [
        f"{path.relative_to(ROOT)}:{line} uses {name} of {imported[name]}"
        for name, line in {**columns, **called}.items()
    ]


def test_each_table_has_one_owner() -> None:
    assert {"connection": "connectors", "job": "foundation", "change": "governance"}.items() <= OWNER.items()
    assert len(OWNER) > 45


def test_rooms_name_their_own_tables_only() -> None:
    found = [place for path in modules() for place in (*foreign_sql(path), *foreign_models(path))]
    assert found == []


def test_stored_functions_name_tables_of_foundation_only() -> None:
    """These functions implement lanes, timers, the audit chain and partitions, which belong to foundation."""
    files = list((ROOT / "platform/controlplane/migrations/functions").glob("*.sql"))
    assert len(files) >= 4
    named = {table for file in files for table in tables_in(file.read_text())}
    assert {OWNER[table] for table in named} == {"foundation"}


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1 FROM connection n JOIN client c ON true", {"connection", "client"}),
        ("WITH a AS (SELECT 1) UPDATE timer t SET due_at = now() FROM job", {"timer", "job"}),
        ("INSERT INTO job (a) SELECT 1", {"job"}),
        ("DELETE FROM change c USING approval a WHERE true", {"change", "approval"}),
        ("SELECT 1 FROM change c, connection n WHERE c.id = n.id", {"change", "connection"}),
        ("governance_exception WHERE tenant_id = :t", {"governance_exception"}),
        ("connection n LEFT JOIN partner p ON true", {"connection", "partner"}),
        ("SELECT connection FROM x WHERE a = 'FROM job'", set()),
        ("SELECT client.name FROM (SELECT 1) client", set()),
    ],
)
def test_tables_are_found_where_sql_names_them(sql: str, tables: set[str]) -> None:
    assert tables_in(sql) == tables


def test_published_relations_are_simple_enough_to_be_merged_into_plans() -> None:
    """Without conditions, aggregates or limits, the planner inlines such a subquery at no cost."""
    published = [path for path in modules() if path.name == "relations.py"]
    assert len(published) >= 5
    for path in published:
        for _, sql in texts(ast.parse(path.read_text())):
            assert re.fullmatch(r"\(SELECT [a-z_,\s]+ FROM [a-z_]+\)", " ".join(sql.split())), f"{path}: {sql}"
