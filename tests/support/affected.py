"""`make fast`: runs the tests of the changes since the branch left main.

The selection uses names and direct imports only, because it has to be quick; `make test` is decisive. Arguments are
passed on to pytest.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASES = ("main", "origin/main", "HEAD")
MOST_FILES = 20
MOST_SECONDS = 20.0
"""Limit of the estimated CPU time: estimates are low, and the start takes some seconds. Changes of widely imported
modules need `make test`.
"""
SECONDS_WITH_PRODUCT, SECONDS = 0.6, 0.05
_TEST = re.compile(r"^\s*(?:async )?def test_", re.MULTILINE)
_PRODUCT = re.compile(r"\b(?:services|env|busy|admin|\w*web_app|shared_\w+|own_\w+): ")
"""Parameters by which a test gets the composed product."""
MOST_NAMING = 4
LEFT_OUT = "not real and not chaos and not slow"
PRODUCT = ("platform", "tenants", "connectors", "branding", "billing")
OF_ROOT_FILES = ("docs", "architecture")
TEMPLATES = "templates"
READS_EVERY_MODULE = Path("tests/architecture/test_layout.py")
READS_EVERY_TABLE = Path("tests/isolation/test_grants.py")


@dataclass(frozen=True)
class Chosen:
    test: Path
    reason: str


def changed_files(root: Path) -> list[Path]:
    """Changed files: committed since the merge base with main, uncommitted, untracked and deleted."""
    since = next(base for base in BASES if _git(root, "rev-parse", "--verify", "--quiet", base) is not None)
    differing = _git(root, "diff", "--name-only", "--no-renames", "-z", "--merge-base", since) or ""
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return sorted({Path(name) for name in (differing + untracked).split("\0") if name})


def choose(root: Path, changed: Iterable[Path]) -> list[Chosen]:
    """Selected tests, the most relevant first: changed tests, importers of changed test modules, mirrors of changed
    files, and importers of changed modules, the most specific first. A changed template counts as a change of the
    modules that render it.
    """
    changed = list(changed)
    touched = [*changed, *(module for path in changed for module in renderers(root, path))]
    tests = {path.relative_to(root): imported_names(path) for path in sorted((root / "tests").rglob("test_*.py"))}
    names = {module_name(path): path for path in touched if path.suffix == ".py"}
    importers = [
        (names[name].parts[0] == "tests", len(imports), Chosen(test, f"imports {names[name]}"))
        for test, imports in tests.items()
        for name in sorted(imports & names.keys(), key=lambda name: (names[name].parts[0] != "tests", name))[:1]
    ]
    importers.sort(key=lambda importer: importer[1])
    found = [Chosen(path, "changed") for path in changed if path in tests]
    found += [each for of_tests, _, each in importers if of_tests]
    found += [Chosen(test, f"mirrors {path}") for path in touched for test in mirrors(path, tests)]
    found += [each for _, _, each in importers]
    found += [each for path in touched if not _is_named(path, found) for each in of_slice(root, path, tests)]
    if READS_EVERY_MODULE in tests and any(path.parts[0] in PRODUCT and path.suffix == ".py" for path in changed):
        found.insert(0, Chosen(READS_EVERY_MODULE, "reads every module"))
    if READS_EVERY_TABLE in tests and any("migrations" in path.parts for path in changed):
        found.insert(0, Chosen(READS_EVERY_TABLE, "reads the rights on every table"))
    first: dict[Path, Chosen] = {}
    for each in found:
        first.setdefault(each.test, each)
    return list(first.values())


def affordable(root: Path, chosen: Iterable[Chosen]) -> tuple[list[Chosen], list[Chosen]]:
    """The tests to run, and those left to `make test`. A changed test is always run."""
    kept: list[Chosen] = []
    rest: list[Chosen] = []
    seconds = 0.0
    for each in chosen:
        cost = estimate(root / each.test)
        if each.reason == "changed" or (len(kept) < MOST_FILES and seconds + cost <= MOST_SECONDS):
            kept.append(each)
            seconds += cost
        else:
            rest.append(each)
    return kept, rest


def estimate(test: Path) -> float:
    """Estimated CPU seconds of a file, by its number of tests and whether they build the product."""
    content = test.read_text()
    return len(_TEST.findall(content)) * (SECONDS_WITH_PRODUCT if _PRODUCT.search(content) else SECONDS)


def _is_named(path: Path, found: Iterable[Chosen]) -> bool:
    return any(each.reason in {f"mirrors {path}", f"imports {path}"} for each in found)


def of_slice(root: Path, changed: Path, tests: Iterable[Path]) -> Iterator[Chosen]:
    """Tests for a module that no test mirrors or imports: those in its slice's folder, or else those of its room that
    name the slice most often, as in addresses of pages.
    """
    inside = changed.parts[changed.parts[0] == "platform" :]
    if changed.parts[0] not in PRODUCT or changed.suffix != ".py" or len(inside) < 3:
        return
    room, name = Path("tests", inside[0]), inside[1]
    beside = [test for test in tests if test.parent == room / name]
    if beside:
        yield from (Chosen(test, f"is of the slice of {changed}") for test in beside)
        return
    word = re.compile(rf"(?<![a-z]){name.replace('_', '[-_]')}(?![a-z])")
    counts = {test: len(word.findall((root / test).read_text())) for test in tests if room in test.parents}
    named = sorted((test for test, count in counts.items() if count), key=lambda test: -counts[test])
    yield from (Chosen(test, f"names the slice of {changed}") for test in named[:MOST_NAMING])


def renderers(root: Path, changed: Path) -> Iterator[Path]:
    """Modules of the template's package that name it."""
    if changed.parts[0] in PRODUCT and TEMPLATES in changed.parts:
        package = Path(*changed.parts[: changed.parts.index(TEMPLATES)])
        names = re.compile(rf'["/]{re.escape(changed.name)}"')
        modules = sorted((root / package).rglob("*.py"))
        yield from (path.relative_to(root) for path in modules if names.search(path.read_text()))


def mirrors(changed: Path, tests: Iterable[Path]) -> Iterator[Path]:
    """Tests that mirror a file.

    `platform/a/b.py` is mirrored by `tests/a/test_b.py` and `test_b_*.py`, and as part of a by `tests/test_a.py`. As
    `platform/room/a/b.py`, it is mirrored by each `test_a.py` of the room as well.

    A template is mirrored by tests of its name anywhere below its package's, or else of its slice's name. Another file
    that is not Python, and has none of these, is mirrored by the nearest folder that has tests.
    """
    if changed.parts[0] == "tests":
        if changed.name == "conftest.py":
            yield from (test for test in tests if test.parent == changed.parent)
        return
    if len(changed.parts) == 1:
        yield from (test for test in tests if test.parts[1] in OF_ROOT_FILES)
        return
    inside = Path("tests", *changed.parts[changed.parts[0] == "platform" :])
    if TEMPLATES in inside.parts:
        below = [test for test in tests if inside.parents[-3] in test.parents]
        for name in (inside.stem, inside.parts[inside.parts.index(TEMPLATES) - 1]):
            if fitting := [test for test in below if _is_named_after(test, name)]:
                yield from fitting
                return
        return
    packages = {each.parent / f"test_{each.name}.py" for each in inside.parents}
    named = [test for test in tests if test.parent == inside.parent and _is_named_after(test, inside.stem)]
    folder = f"test_{inside.parent.name}"
    named += [
        test for test in tests if test in packages or (test.stem == folder and test.parts[:2] == inside.parts[:2])
    ]
    yield from named
    if changed.suffix != ".py" and not named:
        folders = ([test for test in tests if test.parent == folder] for folder in list(inside.parents)[:-2])
        yield from next((beside for beside in folders if beside), [])


def _is_named_after(test: Path, stem: str) -> bool:
    return test.stem == f"test_{stem}" or test.stem.startswith(f"test_{stem}_")


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts[path.parts[0] == "platform" :]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_names(path: Path) -> set[str]:
    """Imported modules, and the names imported from them, which may be modules as well."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def _git(root: Path, *arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def main(options: list[str]) -> int:
    kept, rest = affordable(ROOT, choose(ROOT, changed_files(ROOT)))
    for each in kept:
        print(f"{each.test}  ({each.reason})")
    if rest:
        print("Left to `make test`, as they take longer than a minute:")
        print(*(f"  {each.test}" for each in rest), sep="\n")
    if not kept:
        print("No test is touched by what changed since main.")
        return 0
    sys.stdout.flush()
    result = pytest.main(["-q", "-m", LEFT_OUT, *options, *(str(ROOT / each.test) for each in kept)])
    return 0 if result == pytest.ExitCode.NO_TESTS_COLLECTED else int(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
