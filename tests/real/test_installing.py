"""The real systems are never silently omitted, and never installed twice."""

from pathlib import Path

import pytest

from tests.real import installing
from tests.real.installing import RealSystemMissing, installed, run
from tests.real.vendure import install_vendure


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "CACHE", tmp_path / "cache")


def test_a_missing_node_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RealSystemMissing, match="needs Node"):
        install_vendure()


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(RealSystemMissing, match="Shop: no-such-program is not installed"):
        run(["no-such-program"], what="Shop", cwd=tmp_path)


def test_a_failing_step_shows_its_output(tmp_path: Path) -> None:
    with pytest.raises(RealSystemMissing, match=r"(?s)registry.*no route"):
        run(["sh", "-c", "echo no route >&2; exit 3"], what="Shop", cwd=tmp_path)


def test_a_step_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(RealSystemMissing, match="not done after"):
        run(["sleep", "60"], what="Shop", cwd=tmp_path, seconds=0.1)


def test_an_installation_is_made_once_per_state_of_its_inputs() -> None:
    built: list[Path] = []
    first = installed("shop", [b"1"], built.append)
    assert installed("shop", [b"1"], built.append) == first
    second = installed("shop", [b"2"], built.append)
    assert built == [first, second]


def test_an_interrupted_installation_starts_over() -> None:
    def interrupted(home: Path) -> None:
        (home / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        installed("shop", [b"1"], interrupted)
    home = installed("shop", [b"1"], lambda home: (home / "whole").touch())
    assert sorted(path.name for path in home.iterdir()) == [".complete", "whole"]
