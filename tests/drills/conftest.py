import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.connectors.running import RunningSandbox
from tests.drills.disk import release
from tests.drills.web_app import DrillWebApp, running_web_app

_PREFIX = "fairlead-drill-"
_KEEP_SECONDS = 24 * 3600


@pytest.fixture(scope="session")
def web_app(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> Iterator[DrillWebApp]:
    """One installation for all drills of a process; each drill restores it and uses clients of its own.

    Its folder is kept for the examination of failures. It is outside pytest's folder, which every session of pytest
    makes private: the servers run as another user.
    """
    _sweep(Path(tempfile.gettempdir()))
    root = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with running_web_app(root, sandbox) as running:
        yield running
    if not request.session.testsfailed:
        shutil.rmtree(root, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # a concurrent run removes its own
            if time.time() - folder.stat().st_mtime > _KEEP_SECONDS:
                release(folder / "servers")
                shutil.rmtree(folder, ignore_errors=True)
