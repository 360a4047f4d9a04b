"""Every page of this room, rendered, and a small HTML parser."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from uuid import UUID

import jinja2

from branding.brand import Brand, default_brand, prepare_brand
from branding.design import design_context, design_page
from branding.environment import build_environment
from branding.shell import Page
from branding.theme import Font, Mark, Neutral, Radius, Theme

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def northwind() -> Brand:
    theme = Theme(name="Northwind", monogram="NW", accent="#4f46e5", support_email="help@northwind.example")
    return prepare_brand(brand_id=UUID(int=1), msp_id=UUID(int=1), slug="northwind", theme=theme)


def saffron() -> Brand:
    theme = Theme(
        name="Saffron & Sons",
        monogram="S",
        accent="#f59e0b",
        support_email="desk@saffron.example",
        neutral=Neutral.WARM,
        radius=Radius.LARGE,
        font=Font.SERIF,
        mark=Mark.HEXAGON,
    )
    return prepare_brand(brand_id=UUID(int=2), msp_id=UUID(int=2), slug="saffron", theme=theme)


def environment() -> jinja2.Environment:
    return build_environment({}, static_url="/static/{}".format)


def every_page() -> dict[str, str]:
    templates = environment()
    pages = {}
    for brand in (northwind(), saffron(), default_brand()):
        shown = design_page(brand, NOW, csrf_token="token")
        pages[f"{brand.slug} design"] = templates.get_template("design.html").render(design_context(shown))
        page = Page(brand=brand, title="Sign in", now=NOW, csrf_token="token")
        for error in ("", "That e-mail and password do not match."):
            pages[f"{brand.slug} sign-in {error}"] = templates.get_template("sign_in.html").render(
                expired=not error,
                reset=False,
                page=page,
                action="/sign-in",
                email="ada@northwind.example",
                error=error,
                next="/approvals",
                provider="Northwind ID" if error else "",
                provider_href="/sign-in/sso/a/start",
                sso_href="/sign-in/sso",
            )
        for status in (401, 403, 404, 500, 503):
            pages[f"{brand.slug} {status}"] = templates.get_template("error.html").render(
                page=page,
                status=status,
                title="A title",
                detail="A detail.",
                reference="r-1",
                home_href="/",
                request_href="",
            )
    return pages


def boosted_page() -> str:
    shown = design_page(northwind(), NOW, csrf_token="token", boosted=True)
    return environment().get_template("design.html").render(design_context(shown))


@dataclass
class Element:
    tag: str
    attrs: dict[str, str]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def every(self, *tags: str) -> list["Element"]:
        found = [self] if not tags or self.tag in tags else []
        return found + [match for child in self.children for match in child.every(*tags)]

    @property
    def words(self) -> str:
        return " ".join([self.text.strip(), *(child.words for child in self.children)]).strip()

    def inside(self, tag: str) -> bool:
        return self.parent is not None and (self.parent.tag == tag or self.parent.inside(tag))

    @property
    def classes(self) -> list[str]:
        return self.attrs.get("class", "").split()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("root", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self._open[-1])
        assert len(element.attrs) == len(attrs), f"an attribute twice on <{tag}>: {attrs}"
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            closed = self._open.pop()
            assert closed.tag == tag, f"<{closed.tag}> is closed by </{tag}>"

    def handle_data(self, data: str) -> None:
        self._open[-1].text += data


def read(html: str) -> Element:
    """The tree of a page. Fails on elements that are not closed in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader._open == [reader.root], f"not closed: {[element.tag for element in reader._open[1:]]}"
    return reader.root
