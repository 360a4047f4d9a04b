"""Parts of this slice."""

from collections.abc import Sequence
from typing import Any, Final

from billing.payment_account.services import PaymentServices
from billing.payment_links.pages import build_pages
from billing.payment_links.routes import build_routes
from foundation.rooms import AppServices, Slice
from tenants.auth.services import AuthServices


def _pages(services: AppServices) -> Sequence[Any]:
    return build_pages(services.get(PaymentServices), services.get(AuthServices))


def _routes(services: AppServices) -> Sequence[Any]:
    return build_routes(services.get(AuthServices))


SLICE: Final = Slice(routes=_routes, pages=_pages)
