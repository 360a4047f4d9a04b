"""The one way templates are rendered: escaped, strict about missing values, with the product's formats."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import jinja2
from markupsafe import escape

from branding import formats

TEMPLATES = Path(__file__).parent / "templates"

# Nothing evaluated, no styles injected, no page kept in the browser's storage. Forms come back with 400, 409 or 422.
_HTMX_CONFIG = json.dumps(
    {
        "allowEval": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "allowScriptTags": False,
        "historyCacheSize": 0,
        "responseHandling": [
            {"code": "204", "swap": False},
            {"code": "[23]..", "swap": True},
            {"code": "400|409|422", "swap": True},
            {"code": "[45]..", "swap": False, "error": True},
        ],
    },
    separators=(",", ":"),
)


def build_environment(template_dirs: Sequence[Path], *, static_url: Callable[[str], str]) -> jinja2.Environment:
    """`static_url` maps a browser asset's name to its hashed address; templates call it as `asset`.

    Text is shown with its invisible characters marked (`formats.show_text`); `as_typed` is for what a form sends back.

    This room's templates are always found, and cannot be hidden by another room's.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, *template_dirs]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=formats.show_text,
    )
    environment.filters |= {
        "money": formats.format_money,
        "percent": formats.format_percent,
        "grouped": formats.format_grouped,
        "duration": formats.format_duration,
        "datetime": formats.format_datetime,
        "date": formats.format_date,
        "ago": formats.format_ago,
        "initials": formats.format_initials,
        "key": formats.format_key,
        "exactly": formats.encode_exactly,
        "as_typed": escape,
    }
    environment.globals |= {"asset": static_url, "htmx_config": _HTMX_CONFIG}
    return environment
