"""Selection of tests by `make fast`, on a small repository."""

import subprocess
from pathlib import Path

import pytest

from tests.support.affected import MOST_SECONDS, Chosen, affordable, changed_files, choose, imported_names, module_name

FILES = {
    "platform/prices/changes/planner.py": "",
    "platform/prices/changes/__init__.py": "",
    "platform/prices/changes/pages.py": 'LIST = "prices/list.html"',
    "platform/prices/changes/templates/list.html": "",
    "platform/prices/changes/templates/changes.html": "",
    "platform/prices/templates/parts.html": "",
    "platform/prices/offers/list.html": "",
    "tenants/keys.py": "",
    "tests/prices/conftest.py": "",
    "tests/prices/test_changes.py": "",
    "tests/prices/changes/test_planner.py": "",
    "tests/prices/changes/test_planner_limits.py": "",
    "tests/prices/changes/test_pages.py": "import prices.changes.planner",
    "tests/tenants/test_keys.py": "from tenants import keys",
    "tests/e2e/test_way.py": "def test_a():\n    from tenants.keys import make\n    import prices.changes.planner",
    "tests/prices/pages/test_offers.py": "",
    "platform/prices/offers/pages.py": "",
    "tests/support/rows.py": "",
    "tests/prices/samples.py": "",
    "tests/prices/test_lists.py": "from tenants import keys\nfrom tests.prices import samples\nimport re",
    "tests/docs/test_guides.py": "from tests.support.rows import row",
    "tests/architecture/test_layout.py": "",
    "tests/isolation/test_grants.py": "",
    "platform/controlplane/migrations/versions/1_prices.py": "",
    "README.md": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository on its own branch, unchanged since main."""
    for name, text in FILES.items():
        write(tmp_path, name, text)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "branch")
    return tmp_path


def write(root: Path, name: str, text: str = "changed = 1") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@example.test", "commit", "--quiet", "-m", "Change")


def chosen(root: Path, *changed: str) -> list[str]:
    return [str(each.test.relative_to("tests")) for each in choose(root, map(Path, changed))]


def test_committed_uncommitted_untracked_and_deleted_files_are_changed(root: Path) -> None:
    assert changed_files(root) == []
    write(root, "tenants/committed.py")
    commit(root)
    write(root, "tenants/keys.py")
    write(root, "tenants/new.py")
    (root / "README.md").unlink()
    expected = ["README.md", "tenants/committed.py", "tenants/keys.py", "tenants/new.py"]
    assert changed_files(root) == [Path(name) for name in expected]


def test_changes_of_main_are_not_the_branchs(root: Path) -> None:
    git(root, "checkout", "--quiet", "main")
    write(root, "README.md")
    commit(root)
    git(root, "checkout", "--quiet", "branch")
    assert changed_files(root) == []


def test_a_repository_without_main_has_its_uncommitted_changes(root: Path) -> None:
    git(root, "branch", "--quiet", "-D", "main")
    write(root, "README.md")
    assert changed_files(root) == [Path("README.md")]


def test_a_module_touches_its_mirrors_and_then_its_importers(root: Path) -> None:
    assert chosen(root, "platform/prices/changes/planner.py") == [
        "architecture/test_layout.py",
        "prices/changes/test_planner.py",
        "prices/changes/test_planner_limits.py",
        "prices/test_changes.py",
        "prices/changes/test_pages.py",
        "e2e/test_way.py",
    ]


def test_a_test_is_chosen_once_with_its_first_reason(root: Path) -> None:
    assert choose(root, [Path("tenants/keys.py"), Path("tests/tenants/test_keys.py")]) == [
        Chosen(Path("tests/architecture/test_layout.py"), "reads every module"),
        Chosen(Path("tests/tenants/test_keys.py"), "changed"),
        Chosen(Path("tests/e2e/test_way.py"), "imports tenants/keys.py"),
        Chosen(Path("tests/prices/test_lists.py"), "imports tenants/keys.py"),
    ]


def test_importers_of_a_changed_test_module_come_before_mirrors(root: Path) -> None:
    assert choose(root, map(Path, ["tenants/keys.py", "tests/prices/samples.py"])) == [
        Chosen(Path("tests/architecture/test_layout.py"), "reads every module"),
        Chosen(Path("tests/prices/test_lists.py"), "imports tests/prices/samples.py"),
        Chosen(Path("tests/tenants/test_keys.py"), "mirrors tenants/keys.py"),
        Chosen(Path("tests/e2e/test_way.py"), "imports tenants/keys.py"),
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("platform/prices/changes/templates/list.html", ["prices/changes/test_pages.py", "prices/test_changes.py"]),
        ("platform/prices/changes/templates/changes.html", ["prices/test_changes.py"]),
        ("platform/prices/templates/parts.html", []),
        ("platform/prices/offers/list.html", ["prices/pages/test_offers.py"]),
        ("tenants/keys/templates/list.html", ["tenants/test_keys.py"]),
        ("platform/prices/offers/pages.py", ["architecture/test_layout.py", "prices/pages/test_offers.py"]),
        ("tests/support/rows.py", ["docs/test_guides.py"]),
        ("platform/prices/costs.csv", ["prices/test_changes.py", "prices/test_lists.py"]),
        ("tests/prices/conftest.py", ["prices/test_changes.py", "prices/test_lists.py"]),
        ("README.md", ["architecture/test_layout.py", "docs/test_guides.py"]),
        ("docs/guides/client.md", ["docs/test_guides.py"]),
        ("tests/prices/test_deleted.py", []),
        ("helm/values.yaml", []),
    ],
)
def test_other_files_touch_the_tests_nearest_to_them(root: Path, changed: str, expected: list[str]) -> None:
    assert sorted(chosen(root, changed)) == expected


def test_a_package_is_named_by_its_folder_and_an_import_by_both_its_readings(root: Path) -> None:
    assert module_name(Path("platform/prices/changes/__init__.py")) == "prices.changes"
    assert module_name(Path("tests/support/rows.py")) == "tests.support.rows"
    assert imported_names(root / "tests/tenants/test_keys.py") == {"tenants", "tenants.keys"}


def test_a_module_that_no_test_mirrors_or_imports_chooses_the_tests_of_its_slice(root: Path) -> None:
    write(root, "tests/prices/orders/test_way.py", "import prices.orders.pages")
    assert "prices/orders/test_way.py" in chosen(root, "platform/prices/orders/queries.py")
    write(root, "tests/prices/orders/test_pages.py")
    found = chosen(root, "platform/prices/orders/pages.py")
    assert set(found) == {"prices/orders/test_way.py", "prices/orders/test_pages.py", "architecture/test_layout.py"}


def test_a_slice_without_a_folder_of_tests_chooses_the_tests_that_name_it(root: Path) -> None:
    write(root, "platform/prices/dead_letters/queries.py")
    write(root, "tests/prices/pages/test_queue.py", 'PATHS = ["/dead-letters", "/dead-letters?page=2"]')
    write(root, "tests/prices/pages/test_api.py", "DEAD = 'dead_letters'")
    write(root, "tests/prices/pages/test_other.py", "undead_letters = 1")
    write(root, "tests/tenants/test_mail.py", "dead_letters = 1")
    found = [each for each in chosen(root, "platform/prices/dead_letters/queries.py") if not each.startswith("arch")]
    assert found == ["prices/pages/test_queue.py", "prices/pages/test_api.py"]


def test_a_migration_chooses_the_test_of_rights(root: Path) -> None:
    write(root, "platform/controlplane/migrations/versions/1_prices.py")
    assert Path("tests/isolation/test_grants.py") in {each.test for each in choose(root, changed_files(root))}


def test_expensive_files_are_left_to_the_whole_run_and_cheap_ones_still_run(tmp_path: Path) -> None:
    expensive = "def test_page(web_app: WebApp) -> None: ...\n" * int(MOST_SECONDS)
    for name, content in {"a": expensive, "b": expensive, "c": "def test_sum() -> None: ...\n", "d": expensive}.items():
        write(tmp_path, f"test_{name}.py", content)
    found = [Chosen(Path("test_a.py"), "changed"), *(Chosen(Path(f"test_{name}.py"), "imports x") for name in "bcd")]
    kept, rest = affordable(tmp_path, found)
    assert [each.test.name for each in kept] == ["test_a.py", "test_c.py"]
    assert [each.test.name for each in rest] == ["test_b.py", "test_d.py"]
