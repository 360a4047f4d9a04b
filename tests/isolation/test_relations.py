"""Published relations cost nothing: the planner merges each into the statement that reads it."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import text

from foundation.database.engine import Database
from foundation.scope import Scope
from tests.architecture.test_layout import ROOT, modules


def relations() -> Iterator[tuple[str, str]]:
    for path in modules():
        if path.name == "relations.py":
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("platform.")
            module = import_module(name)
            yield from ((f"{name}.{one}", value) for one, value in vars(module).items() if one.isupper())


RELATIONS = dict(relations())
UNREADABLE = {"foundation.relations.INSTALLATION", "branding.relations.BRAND_DOMAINS"}
"""Relations read by the owner's connections only, or without a tenant."""


@pytest.mark.parametrize("name", sorted(RELATIONS.keys() - UNREADABLE))
async def test_a_relation_has_the_plan_of_its_table(name: str, db: Database, scope: Scope) -> None:
    relation = RELATIONS[name]
    table = relation.rpartition(" ")[2].rstrip(")")
    column = re.split(r"[ ,(]+", relation)[2]
    keys = "r.tenant_id = :t" if "tenant_id" in relation else "true"
    for statement in (
        f"SELECT r.{column} FROM {{0}} r WHERE {keys}",
        f"SELECT r.{column} FROM generate_series(1, 9) g LEFT JOIN {{0}} r ON {keys}",
        f"SELECT 1 FROM generate_series(1, 9) g, LATERAL (SELECT r.{column} FROM {{0}} r WHERE {keys} OFFSET 0) x",
        f"SELECT EXISTS (SELECT 1 FROM {{0}} r WHERE {keys})",
    ):
        plans = []
        async with db.transaction(scope) as session:
            for source in (table, relation):
                query = text(f"EXPLAIN (FORMAT JSON) {statement.format(source)}")
                found = await session.scalar(query, {"t": scope.tenant_id} if ":t" in statement else {})
                plans.append(list(nodes(found[0]["Plan"])))
        assert plans[0] == plans[1]


def nodes(plan: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Kinds of plan nodes with tables, indexes and estimates, without the statement's aliases."""
    yield plan["Node Type"], plan.get("Relation Name"), plan.get("Index Name"), plan["Plan Rows"], plan["Total Cost"]
    for below in plan.get("Plans", ()):
        yield from nodes(below)
