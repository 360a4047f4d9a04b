"""Checks of the layout: no module shadows the standard library, and every package is under an import contract."""

import ast
import platform
import re
import statistics
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("platform", "tenants", "connectors", "branding", "billing")
SHOWN = (".html", ".j2", ".css", ".js", ".svg")
MAY_USE_LITESTAR = ("routes.py", "pages.py")


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts)


def test_platform_directory_never_shadows_the_standard_library() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert platform.__file__ is not None
    assert not Path(platform.__file__).is_relative_to(ROOT)


def test_every_package_is_under_an_import_contract() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    on_disk = {path.parent.name for path in ROOT.glob("platform/*/__init__.py")}
    on_disk |= {"tenants", "connectors", "branding", "billing"}
    contracts = config["tool"]["importlinter"]
    assert on_disk == set(contracts["root_packages"])
    layered = {name.strip() for layer in contracts["contracts"][0]["layers"] for name in layer.split("|")}
    assert on_disk == layered


def test_nothing_made_for_browsers_names_the_product() -> None:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in SHOWN]
    assert len(found) > 30
    assert [str(path) for path in found if "fairlead" in path.read_text().lower()] == []


def test_only_web_modules_import_the_web_framework() -> None:
    wrong = []
    for path in modules():
        inside = path.relative_to(ROOT)
        edge = path.name in MAY_USE_LITESTAR or "controlplane" in inside.parts or "web" in inside.parts
        if not edge and any(name.split(".")[0] == "litestar" for name in imported(path)):
            wrong.append(str(inside))
    assert wrong == []


def test_only_the_edge_and_the_closing_of_wholesale_change_a_transactions_scope() -> None:
    """Two further exceptions: the gift of a coupon, counted across an MSP's clients and written in one of them; and the
    candidates for an assignment, who are members of a client and of its MSP.
    """
    users = [str(path.relative_to(ROOT)) for path in modules() if "change_scope" in path.read_text()]
    assert sorted(users) == [
        "billing/commands.py",
        "billing/coupons/commands.py",
        "billing/coupons/give.py",
        "platform/controlplane/web/access.py",
        "platform/controlplane/web/idempotency.py",
        "platform/foundation/database/engine.py",
        "platform/governance/assignments/candidates.py",
    ]


def test_no_first_party_import_hides_inside_a_function() -> None:
    """OpenTelemetry is the exception: it is imported only if a collector is configured."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    ours = set(config["tool"]["importlinter"]["root_packages"])
    hidden = [
        str(path.relative_to(ROOT))
        for path in modules()
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and ours & set(names_of(node))
    ]
    assert hidden == ["platform/foundation/telemetry/tracing.py"]


def test_files_and_functions_stay_small() -> None:
    """The limits: file p95 at most 350 lines, none over 500; function p95 at most 40, none over 80."""
    files = {path: len(path.read_text().splitlines()) for path in modules()}
    assert statistics.quantiles(files.values(), n=20)[-1] <= 350
    assert [str(path) for path, lines in files.items() if lines > 500] == []
    functions = {
        f"{path.relative_to(ROOT)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert statistics.quantiles(functions.values(), n=20)[-1] <= 40
    assert [name for name, lines in functions.items() if lines > 80] == []


def imported(path: Path) -> set[str]:
    return {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in names_of(node)
    }


def names_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if node.module and node.level == 0 else []


OWN_DOCUMENTS = {
    "branding/assets.py",
    "platform/canonical/money.py",
    "platform/controlplane/isolated_batch.py",
    "platform/controlplane/cli/backup_checks.py",
    "platform/controlplane/embedded/valkey.py",
    "platform/controlplane/installation.py",
    "platform/controlplane/local_index.py",
    "platform/foundation/database/access.py",
    "platform/foundation/decoding.py",
}
"""Modules that read documents written by the product to its own files and rows; money reads one scalar."""


def test_json_from_outside_is_decoded_with_a_bounded_depth() -> None:
    """Finding V10: a decoder without a depth limit raises errors that its callers do not catch."""
    parsing = re.compile(r"\bjson\.(?:loads?|decode|Decoder)\(|\bjson\.JSONDecoder|\borjson\b|\.request\.json\(")
    users = {str(path.relative_to(ROOT)) for path in modules() if parsing.search(path.read_text())}
    assert users == OWN_DOCUMENTS


def test_no_address_is_built_from_the_host_header() -> None:
    """Findings V13 and V15: the framework's URL object fails on malformed hosts, and callers choose the Host header."""
    reading = re.compile(r"\brequest\.(?:url|base_url)\b|\bheaders(?:\.get\(|\[)['\"]host['\"]", re.IGNORECASE)
    users = [str(path.relative_to(ROOT)) for path in modules() if reading.search(path.read_text())]
    assert users == []


def test_registries_are_those_of_the_rooms() -> None:
    """`__subclasses__` depends on the modules imported so far; `foundation.rooms` names them all."""
    assert [str(path.relative_to(ROOT)) for path in modules() if "__subclasses__" in path.read_text()] == []


def test_advisory_locks_are_taken_in_one_module() -> None:
    """Named locks only; the roles are created before an application exists that could use the module."""
    takes = re.compile(r"SELECT pg_(?:try_)?advisory_xact_lock")
    users = {str(path.relative_to(ROOT)) for path in modules() if takes.search(path.read_text())}
    assert users == {"platform/foundation/database/locks.py", "platform/foundation/database/roles.py"}


def test_names_of_files_are_plain() -> None:
    """Regression: a test wrote a file with an odd byte as its name into the root, and the file was committed."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    assert len(tracked) > 100
    assert [name for name in tracked if name and not re.fullmatch(rb"[A-Za-z0-9._/-]+", name)] == []
