"""Hosts and members for the benchmarks that open pages and call the API."""

from branding.manage import point_host, set_brand
from branding.theme import parse_theme
from controlplane.services import Services
from foundation.clock import utc_now
from foundation.ids import new_id
from foundation.scope import Scope


async def give_brand(services: Services, msp: Scope, *, name: str, port: int) -> str:
    """Give the MSP account a brand; returns its address on this machine, with `port`."""
    host = f"{name}.localhost"
    tokens = {"name": name, "monogram": name[0].upper(), "accent": "#1f5fbf", "support_email": f"help@{name}.example"}
    async with services.db.transaction(msp) as session:
        await set_brand(session, slug=name, theme=parse_theme(tokens), now=utc_now(), new_id=new_id)
        await point_host(session, slug=name, host=host, now=utc_now())
    return f"{host}:{port}"
