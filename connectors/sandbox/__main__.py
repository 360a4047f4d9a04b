"""`python -m connectors.sandbox`: the sandbox systems as a separate process."""

import argparse
import os
import random
import secrets
from pathlib import Path

import uvloop

from connectors.sandbox.plan import SystemPlan, default_plans
from connectors.sandbox.server import SandboxState, run_sandbox
from foundation.clock import utc_now
from foundation.decoding import decode_json


def main() -> None:
    """Serves until SIGINT or SIGTERM. Without a plan: /erp, /shop and /market with one token: SANDBOX_TOKEN or a
    random one, which is printed.
    """
    options = _parser().parse_args()
    if options.plan:
        plans = decode_json(options.plan.read_bytes(), type=list[SystemPlan])
    else:
        token = os.environ.get("SANDBOX_TOKEN") or secrets.token_urlsafe(16)
        plans = default_plans(token)
        print(f"token {token}", flush=True)  # noqa: T201
    state = SandboxState(plans, clock=utc_now, rng=random.Random(options.seed))  # noqa: S311 (faults, not secrets)

    def ready(port: int) -> None:
        if options.port_file:
            draft = options.port_file.with_suffix(".part")
            draft.write_text(f"{port}\n")
            draft.replace(options.port_file)  # readers see the complete number or no file
        if options.announce_fd is not None:
            os.write(options.announce_fd, f"{port}\n".encode())
            os.close(options.announce_fd)

    uvloop.run(run_sandbox(state, host=options.host, port=options.port, uds=options.uds, ready=ready))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--uds", type=Path, help="serve on this unix socket instead of a port")
    parser.add_argument("--port-file", type=Path, help="written when the server answers")
    parser.add_argument("--announce-fd", type=int, help="the port and a newline are written to this open descriptor")
    parser.add_argument(
        "--plan", type=Path, help="JSON list of systems: name, kind, token, currency, skus, delay_seconds"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the faults' randomness")
    return parser


if __name__ == "__main__":
    main()
