"""A DNS server on this machine, with TXT records that the test sets."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


@dataclass
class DnsServer:
    """Server with `records` by name, without the final dot. Names in `broken` are answered with SERVFAIL."""

    address: str
    records: dict[str, list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


@contextmanager
def running_dns_server() -> Iterator[DnsServer]:
    server: DnsServer

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            sock.sendto(_answer(server, data), self.client_address)

    with ThreadingUDPServer(("127.0.0.1", 0), Handler) as listening:
        server = DnsServer(f"127.0.0.1:{listening.server_address[1]}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join(5)


def _answer(server: DnsServer, data: bytes) -> bytes:
    query = dns.message.from_wire(data)
    answer: Any = dns.message.make_response(query)
    answer.flags |= dns.flags.AA | dns.flags.RA
    [question] = query.question
    name = question.name.to_text(omit_final_dot=True).lower()
    server.asked.append(name)
    if name in server.broken:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif name not in server.records:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    elif server.records[name]:
        quoted = [f'"{text}"' for text in server.records[name]]
        answer.answer.append(dns.rrset.from_text(question.name, 60, dns.rdataclass.IN, dns.rdatatype.TXT, *quoted))
    wire: bytes = answer.to_wire()
    return wire
