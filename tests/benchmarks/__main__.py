"""`make bench`: measures every figure of docs/benchmarks.md and prints one table of ratios. Nothing passes or fails."""

import argparse
import importlib
import sys
import time
import traceback
from datetime import UTC, datetime

from tests.benchmarks.table import Row, write_table

NAMES = (
    "intake",
    "way",
    "fairness",
    "idle",
    "isolation",
    "recovery",
    "metering",
    "usage",
    "policy",
    "dramatiq",
    "hostile",
    "retention",
    "pages",
    "replay",
    "month",
    "api",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", choices=NAMES, action="append", help="measure only this; may be given again")
    chosen = parser.parse_args().only or NAMES
    began = time.monotonic()
    rows: list[Row] = []
    failed: list[str] = []
    for name in chosen:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            rows += importlib.import_module(f"tests.benchmarks.bench_{name}").run()
        except Exception:  # noqa: BLE001 - the other results are printed, and the run fails
            traceback.print_exc()
            failed.append(name)
    print(write_table(rows))
    print("docs/benchmarks.md says how each figure is measured, and what is known about the misses.")
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {time.monotonic() - began:.0f} s.")
    if failed:
        sys.exit(f"Not measured, for the reason above: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
