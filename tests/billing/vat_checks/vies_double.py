"""A double of VIES: implements the port, and answers over HTTP as the register of the Commission does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from billing.vat_checks.vies import read_answer
from billing.vat_register.port import VatResult


@dataclass
class ViesDouble:
    """`valid`: ids that are registered; `error`: code that is answered instead of a result."""

    valid: set[str] = field(default_factory=set)
    error: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    async def check(self, vat_id: str, *, requester: str) -> VatResult:
        return read_answer(self.answer(vat_id[:2], vat_id[2:], requester))

    def answer(self, country: str, number: str, requester: str = "") -> dict[str, Any]:
        if self.error:
            return {"actionSucceed": False, "errorWrappers": [{"error": self.error}]}
        found = country + number in self.valid
        return {
            "countryCode": country, "vatNumber": number, "requestDate": "2026-12-01T02:00:00.000Z", "valid": found,
            "requestIdentifier": "WAPIAAAAX1" if requester else "", "name": "BIRCH AG" if found else "---",
        }  # fmt: skip


@contextmanager
def serving_vies(double: ViesDouble) -> Iterator[str]:
    """Address of the double."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            double.asked.append(asked)
            body = json.dumps(
                double.answer(asked["countryCode"], asked["vatNumber"], asked.get("requesterNumber", ""))
            ).encode()
            self.send_response(400 if double.error else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/check-vat-number"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
