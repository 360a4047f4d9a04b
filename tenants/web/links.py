"""Addresses of links that are handed out, on the brand's own host."""

from branding.brand import Brand
from branding.hosts import public_origin
from tenants.auth.pages import AnyRequest
from tenants.mail.mailer import Portal


def portal_of(request: AnyRequest, brand: Brand) -> Portal:
    """The brand's own host, for links in mails."""
    return Portal(public_origin(request.scope), brand.id)


def device_link_to(request: AnyRequest, token: str) -> str:
    """Address of a device link, on the brand's own host."""
    return f"{public_origin(request.scope)}/sign-in/device/{token}"
