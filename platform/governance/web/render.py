"""Rendering of governance's pages: foundation's, with the room's formats."""

from collections.abc import Mapping

from litestar.response import Template

from foundation.errors import DomainError
from foundation.web import render
from governance.labels import (
    is_decided_with_cost,
    level_of,
    write_difference,
    write_element,
    write_kind,
    write_share,
    write_value,
)
from tenants.access import Access


def render_page(
    access: Access, template: str, title: str, context: Mapping[str, object], *, refusal: DomainError | None = None
) -> Template:
    """Render `template`, a page or fragment of this room."""
    formats = {
        "account": access.account.name,
        "me": str(access.principal.id),
        "value": write_value,
        "element": write_element,
        "is_decided_with_cost": is_decided_with_cost,
        "kind": write_kind,
        "level": level_of,
        "share": write_share,
        "difference": write_difference,
    }
    return render.render_page(access, f"governance/{template}", title, formats | dict(context), refusal=refusal)
