"""The single Jinja environment: escaped, strict about missing values, with the product's formats."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import nodes
from jinja2.bccache import Bucket
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import InternationalizationExtension
from jinja2.filters import do_xmlattr
from jinja2.nodes import EvalContext
from markupsafe import Markup, escape

from branding import formats
from foundation.actor_labels import write_actor
from foundation.i18n.localizer import Localizer, current_localizer
from foundation.web.saved_views import column_name, hidden_columns

_FOLDER = "templates"
TEMPLATES = Path(__file__).parent / _FOLDER

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


_OF_ACTOR = "_by"


def _show_actor(name: object) -> object:
    """A name, or a list of names, for display: actors that are no members are replaced by their labels."""
    if isinstance(name, list | tuple):
        return [_show_actor(one) for one in name]
    return write_actor(name) if isinstance(name, str) else name


class _Code(CodeGenerator):
    """Replaces the `~` of templates by `formats.show_joined`, and writes names of actors: attributes whose names end in
    `_by`, such as `created_by`.
    """

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - as in the base class
        if not node.attr.endswith(_OF_ACTOR):
            super().visit_Getattr(node, frame)
            return
        self.write("environment.show_actor(")
        super().visit_Getattr(node, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - as in the base class
        self.write("environment.show_joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Translation(InternationalizationExtension):
    """The tag `trans`, whose variables are shown as any other text on pages."""

    def _make_node(  # noqa: PLR0913, PLR0917 - as in the base class
        self,
        singular: str,
        plural: str | None,
        context: str | None,
        variables: dict[str, nodes.Expr],
        plural_expr: nodes.Expr | None,
        vars_referenced: bool,  # noqa: FBT001
        num_called_num: bool,  # noqa: FBT001
    ) -> nodes.Output:
        shown: dict[str, nodes.Expr] = {
            name: nodes.Filter(value, "shown", [], [], None, None) for name, value in variables.items()
        }
        return super()._make_node(singular, plural, context, shown, plural_expr, vars_referenced, num_called_num)


class _CompiledTemplates(jinja2.BytecodeCache):
    """Compiled templates of this process, by name, path and source: compiling takes longer than rendering."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key, bucket.checksum] = bucket.code


# For every environment of `build_environment`, as they all compile alike.
_COMPILED_TEMPLATES = _CompiledTemplates()


class _Environment(jinja2.Environment):
    code_generator_class = _Code
    show_joined = staticmethod(formats.show_joined)
    show_actor = staticmethod(_show_actor)


@jinja2.pass_eval_context
def _show_attributes(context: EvalContext, attributes: Mapping[str, object], autospace: bool = True) -> str:  # noqa: FBT001, FBT002
    """Jinja's `xmlattr`, with each value formatted as on pages."""
    return do_xmlattr(context, {name: formats.show_text(value) for name, value in attributes.items()}, autospace)


class Label(str):
    """A translated text without parameters, with its English original, from which names of columns are derived."""

    __slots__ = ("source",)
    source: str


def _label(text: str, **params: object) -> str:
    """As `translate`."""
    return translate(text, **params) if params else _make_label(current_localizer().language, text)


@lru_cache(maxsize=8192)
def _make_label(language: str, text: str) -> Label:
    label = Label(Localizer(language).text(text))
    label.source = text
    return label


def translate(text: str, **params: object) -> str:
    """A text of a template in the reader's language. `params` replace the placeholders in braces."""
    return _fill(current_localizer().text(text), params)


def translate_number(one: str, many: str, number: int, **params: object) -> str:
    """As `translate`, in the form for `number`, which is also the placeholder of that name."""
    localizer = current_localizer()
    return _fill(localizer.plural(one, many, number), {"number": localizer.number(number), **params})


def _fill(text: str, params: Mapping[str, object]) -> str:
    """The text with its parameters. Beside markup, it and the texts among them are escaped as if alone (`show_joined`).
    Without parameters it is returned as it is: `trans` places its own.
    """
    if not params:
        return text
    if any(isinstance(value, Markup) for value in params.values()):
        return escape(text).format(**{name: escape(formats.show_text(value)) for name, value in params.items()})
    return text.format(**params)


def template_folders(room: Path) -> list[Path]:
    """Folders of the room's templates: those of its slices, and its own, for what several slices share."""
    return [room / _FOLDER, *sorted(room.glob(f"*/{_FOLDER}"))]


def build_environment(rooms: Mapping[str, Path], *, static_url: Callable[[str], str]) -> jinja2.Environment:
    """Jinja environment. `static_url` maps a browser asset's name to its hashed address; templates call it as
    `asset`.

    Text is rendered with its invisible characters marked (`formats.show_text`); `as_typed` is for values that a form
    sends back.

    `rooms` are folders of rooms by name. Names of their templates begin with the room's: `governance/policy.html` is
    `policy.html` in one of its `template_folders`. This room's templates have no prefix, and take precedence.
    """
    of_rooms = {name: jinja2.FileSystemLoader(template_folders(room)) for name, room in rooms.items()}
    environment = _Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES), jinja2.PrefixLoader(of_rooms)]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=formats.show_text,
        extensions=[_Translation],
        bytecode_cache=_COMPILED_TEMPLATES,
    )
    environment.globals |= {
        "_": _label,
        "gettext": translate,
        "ngettext": translate_number,
        "reader_language": lambda: current_localizer().language,
    }
    environment.filters |= {
        "money": formats.format_money,
        "percent": formats.format_percent,
        "grouped": formats.format_grouped,
        "duration": formats.format_duration,
        "datetime": formats.format_datetime,
        "date": formats.format_date,
        "month": formats.format_month,
        "ago": formats.format_ago,
        "in_sentence": lambda label: current_localizer().in_sentence(label),
        "initials": formats.format_initials,
        "actor": write_actor,
        "key": formats.format_key,
        "exactly": formats.encode_exactly,
        "as_typed": formats.show_as_typed,
        "shown": formats.show_text,
        "xmlattr": _show_attributes,
    }
    environment.globals["hidden_columns"] = hidden_columns
    environment.filters["column_name"] = lambda label: column_name(
        label.source if isinstance(label, Label) else str(label)
    )
    environment.globals |= {"asset": static_url, "htmx_config": _HTMX_CONFIG}
    return environment
