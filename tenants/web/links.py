"""Addresses of links that are handed out, on the brand's own host."""

from branding.hosts import public_origin
from tenants.auth.pages import AnyRequest


def link_to(request: AnyRequest, token: str) -> str:
    """Address of an invitation: on the brand's own host, under which the invitation was created."""
    return f"{public_origin(request.scope)}/welcome/{token}"


def device_link_to(request: AnyRequest, token: str) -> str:
    """Address of a device link, on the brand's own host."""
    return f"{public_origin(request.scope)}/sign-in/device/{token}"
