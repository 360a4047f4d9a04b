"""External systems of the journeys: a DNS server, an OpenID provider, and Stripe with its page for invoices."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from foundation.settings import DNS_SERVERS, STRIPE_URL
from tests.e2e.walking import DemoWalk
from tests.support.dns_server import DnsServer, running_dns_server
from tests.support.oidc_server import OidcServer, running_oidc_server
from tests.support.stripe_fake import StripeFake
from tests.support.stripe_fake.serving import serving_pages


@dataclass(frozen=True)
class Outside:
    dns: DnsServer
    oidc: OidcServer
    stripe: StripeFake
    stripe_url: str

    @property
    def environment(self) -> dict[str, str]:
        """The product's settings with which it reaches these systems."""
        ports = (urlsplit(url).port for url in (self.oidc.issuer, self.stripe_url))
        allowed = " ".join(f"127.0.0.1/32@{port}" for port in ports)
        return {"FAIRLEAD_OUTBOUND_ALLOWED": allowed, DNS_SERVERS: self.dns.address, STRIPE_URL: self.stripe_url}

    def deliver_stripe_events(self, walk: DemoWalk, path: str, secret: str) -> None:
        for one in self.stripe.deliverer().take(last=True):
            assert walk.post(path, one.body, one.headers(secret)) == 200


@contextmanager
def running_outside(folder: Path) -> Iterator[Outside]:
    with ExitStack() as stack:
        dns = stack.enter_context(running_dns_server())
        oidc = stack.enter_context(running_oidc_server(folder / "oidc.log"))
        stripe = StripeFake()
        yield Outside(dns, oidc, stripe, stack.enter_context(serving_pages(stripe)))
