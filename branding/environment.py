"""The single Jinja environment: escaped, strict about missing values, with the product's formats."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_xmlattr
from jinja2.nodes import EvalContext

from branding import formats

TEMPLATES = Path(__file__).parent / "templates"

# Nothing evaluated, no styles injected, no page stored by the browser. Forms are returned with 400, 409 or 422.
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


class _Code(CodeGenerator):
    """Replaces the `~` of templates by `formats.show_joined`."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - as in the base class
        self.write("environment.show_joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Environment(jinja2.Environment):
    code_generator_class = _Code
    show_joined = staticmethod(formats.show_joined)


@jinja2.pass_eval_context
def _show_attributes(context: EvalContext, attributes: Mapping[str, object], autospace: bool = True) -> str:  # noqa: FBT001, FBT002
    """Jinja's `xmlattr`, with each value formatted as on pages."""
    return do_xmlattr(context, {name: formats.show_text(value) for name, value in attributes.items()}, autospace)


def build_environment(template_dirs: Sequence[Path], *, static_url: Callable[[str], str]) -> jinja2.Environment:
    """Jinja environment. `static_url` maps a browser asset's name to its hashed address; templates call it as
    `asset`.

    Text is rendered with its invisible characters marked (`formats.show_text`); `as_typed` is for values that a form
    sends back.

    This room's templates have precedence over those of other rooms.
    """
    environment = _Environment(
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
        "as_typed": formats.show_as_typed,
        "xmlattr": _show_attributes,
    }
    environment.globals |= {"asset": static_url, "htmx_config": _HTMX_CONFIG}
    return environment
