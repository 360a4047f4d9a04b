"""`fairlead` and `python -m controlplane`: the command line, imported without garbage collection.

Definitions of modules live as long as the process, and garbage collection among them takes a third of the import's CPU
time.
"""

import gc

gc.disable()
from controlplane.cli.main import main  # noqa: E402 - after gc.disable()

gc.freeze()
gc.enable()


def run() -> None:
    main()


if __name__ == "__main__":
    run()
