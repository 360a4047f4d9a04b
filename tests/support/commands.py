"""`fairlead` in forked processes: a server that has imported it forks one per command.

The import takes more than a CPU second, most commands a tenth of one.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["controlplane.__main__"])


def run_command(
    arguments: list[str],
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
    typed: str = "",
    seconds: float = 120,
) -> tuple[int, str]:
    """Exit code and both outputs. `environment` is the command's complete environment; `typed` is its input.

    Raises:
        TimeoutError: it did not end in time, and was killed.
    """
    with TemporaryDirectory(prefix="fairlead-command-") as folder:
        typed_file, output_file = Path(folder, "typed"), Path(folder, "output")
        typed_file.write_text(typed)
        process = _FORKS.Process(target=_run, args=(arguments, dict(environment), cwd, typed_file, output_file))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"`fairlead {' '.join(arguments)}` did not end: {output_file.read_text()}")
        code = process.exitcode
        process.close()
        return code, output_file.read_text()


def _run(arguments: list[str], environment: dict[str, str], cwd: Path | None, typed: Path, printed: Path) -> None:
    from controlplane.__main__ import run

    os.environ.clear()
    os.environ.update(environment)
    if cwd is not None:
        os.chdir(cwd)
    os.dup2(os.open(typed, os.O_RDONLY), 0)
    output = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.argv = ["fairlead", *arguments]
    run()
