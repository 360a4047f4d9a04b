"""Rules of every page: security policy, brand, accessibility."""

import re
from itertools import pairwise
from pathlib import Path

import jinja2
import pytest

from branding.assets import STATIC
from branding.environment import TEMPLATES, build_environment
from branding.shell import NavGroup, NavItem, Page, is_boosted, mark_current
from branding.stylesheet import render_stylesheet
from tests.branding.pages import NOW, Element, boosted_page, environment, every_page, northwind, read

ROOT = Path(__file__).parents[2]
PAGES = every_page()
EVIL = "\"'><script>alert(1)</script>"
everywhere = pytest.mark.parametrize("html", PAGES.values(), ids=PAGES.keys())


class TestPolicy:
    @everywhere
    def test_nothing_inline_runs_or_styles(self, html: str) -> None:
        for element in read(html).every():
            assert "style" not in element.attrs
            assert element.tag != "style"
            assert not [name for name in element.attrs if re.match(r"on|hx-on", name)]
            if element.tag == "script":
                assert element.attrs["src"].startswith("/static/")
                assert not element.text.strip()

    @everywhere
    def test_everything_is_fetched_from_the_brands_own_host(self, html: str) -> None:
        for element in read(html).every():
            for name in ("src", "href", "action", "hx-get", "hx-post"):
                assert re.match(r"[/#]|mailto:", element.attrs.get(name, "/")), element
                assert not element.attrs.get(name, "/").startswith("//")

    @everywhere
    def test_every_post_form_has_a_csrf_token(self, html: str) -> None:
        forms = [form for form in read(html).every("form") if form.attrs["method"] == "post"]
        for form in forms:
            assert [field for field in form.every("input") if field.attrs.get("name") == "_csrf_token"]

    @pytest.mark.parametrize("path", sorted(ROOT.glob("[!.]*/**/templates/**/*.html")), ids=str)
    def test_no_template_switches_escaping_off(self, path: Path) -> None:
        if not {".venv", "node_modules", "var"} & set(path.parts):
            assert not re.search(r"\|\s*safe\b|autoescape", path.read_text())

    def test_htmx_evaluates_nothing_and_stores_nothing(self) -> None:
        config = environment().globals["htmx_config"]
        for wanted in ('"allowEval":false', '"includeIndicatorStyles":false', '"selfRequestsOnly":true'):
            assert wanted in str(config)
        assert '"historyCacheSize":0' in str(config)


class TestActors:
    @pytest.mark.parametrize(
        "template",
        ["{{ row.created_by }}", "{{ gettext('{by}', by=row.created_by) }}", "{{ row.edited_by|join(', ') }}"],
    )
    def test_who_is_no_member_is_shown_as_its_label(self, template: str) -> None:
        shown = environment().from_string(template)
        for name, label in (("worker", "Automatic"), ("setup", "Set-up"), ("Nora Berg", "Nora Berg")):
            assert shown.render(row={"created_by": name, "edited_by": [name]}) == label

    def test_conditions_see_missing_and_empty_names(self) -> None:
        shown = environment().from_string("{{ 'by' if row.set_by else '' }}{{ row.no_by is defined }}")
        assert shown.render(row={"set_by": None}) == "False"
        assert shown.render(row={"set_by": "worker"}) == "byFalse"


class TestBrand:
    @pytest.mark.parametrize("shown", [*PAGES.values(), boosted_page()])
    def test_the_product_has_no_name_on_a_page(self, shown: str) -> None:
        assert "fairlead" not in shown.lower()

    @pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
    def test_the_product_has_no_name_in_a_file(self, path: Path) -> None:
        assert "fairlead" not in path.read_text().lower()

    def test_pages_of_an_msp_offer_no_support_address(self) -> None:
        assert "mailto:" not in PAGES["default 404"]
        assert "mailto:help@northwind.example" in PAGES["northwind 404"]

    def test_a_sign_in_is_titled_by_the_brand(self) -> None:
        assert "<title>Sign in · Saffron &amp; Sons</title>" in PAGES["saffron sign-in "]


class TestAccessibility:
    @everywhere
    def test_one_main_one_heading_and_no_level_left_out(self, html: str) -> None:
        tree = read(html)
        assert len(tree.every("main")) == 1
        levels = [int(heading.tag[1]) for heading in tree.every("h1", "h2", "h3") if not heading.inside("dialog")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))

    @everywhere
    def test_the_first_link_skips_to_the_content(self, html: str) -> None:
        tree = read(html)
        target = tree.every("a")[0].attrs["href"].removeprefix("#")
        assert tree.every("main")[0].attrs["id"] == target
        assert tree.every("html")[0].attrs["lang"] == "en"

    @everywhere
    def test_ids_are_unique_and_references_lead_somewhere(self, html: str) -> None:
        elements = read(html).every()
        ids = [element.attrs["id"] for element in elements if "id" in element.attrs]
        assert sorted(ids) == sorted(set(ids))
        for element in elements:
            for name in ("for", "aria-describedby", "aria-labelledby", "popovertarget", "data-open"):
                assert set(element.attrs.get(name, "").split()) <= set(ids), (element.tag, element.attrs)

    @everywhere
    def test_every_control_has_a_name(self, html: str) -> None:
        tree = read(html)
        labelled = {label.attrs["for"] for label in tree.every("label") if "for" in label.attrs}
        for element in tree.every("input", "select", "textarea"):
            if element.attrs.get("type") != "hidden":
                assert element.attrs.get("id") in labelled or element.inside("label"), element.attrs
        for element in tree.every("button", "a", "summary"):
            assert element.words or element.attrs.get("aria-label"), element.attrs
        for element in tree.every("svg"):
            named = element.attrs.get("aria-label") or element.attrs.get("aria-labelledby") or element.every("title")
            assert element.attrs.get("aria-hidden") == "true" or (element.attrs.get("role") == "img" and named)

    @everywhere
    def test_landmarks_of_one_kind_have_different_labels(self, html: str) -> None:
        names = [nav.attrs["aria-label"] for nav in read(html).every("nav")]
        assert len(names) == len(set(names))

    @everywhere
    def test_tables_have_captions_and_heads(self, html: str) -> None:
        for table in read(html).every("table"):
            assert table.every("caption")[0].words
            assert all("scope" in head.attrs for head in table.every("th"))

    @everywhere
    def test_a_tables_cells_name_their_column_on_a_phone(self, html: str) -> None:
        tables = [table for table in read(html).every("table") if "table" in table.classes]
        for cell in (cell for table in tables for cell in table.every("td")):
            assert cell.attrs.get("data-label") or "lead" in cell.classes or cell.every("button"), cell.words

    @everywhere
    def test_a_status_has_an_icon_and_text(self, html: str) -> None:
        for badge in read(html).every("span"):
            if "badge" in badge.classes:
                assert badge.every("svg")
                assert badge.words

    @everywhere
    def test_new_content_is_announced(self, html: str) -> None:
        toasts = next(element for element in read(html).every() if element.attrs.get("id") == "toasts")
        assert (toasts.attrs["role"], toasts.attrs["aria-live"]) == ("status", "polite")


LIST = (
    "{'fields': [{'is_hidden': false, 'is_day': false, 'is_time': false, 'options': none, 'name': x, 'label': x,"
    " 'value': x, 'is_wrong': 1}], 'address': x, 'title': x, 'refusal': {'heading': x, 'detail': x},"
    " 'orders': [(x, x)], 'sort': x,"
    " 'is_filtered': true, 'export_href': x, 'order': x, 'first_href': x, 'next_href': x,"
    " 'previous_href': x, 'here': x, 'select_href': x, 'select_all': true, 'count': none,"
    " 'name': x, 'kept': {'a': x}, 'views': {'is_gone': false, 'missing': [x], 'all_href': x, 'may_update': true,"
    " 'query': x, 'of': {'address': x, 'csrf_token': x, 'may_share': true},"
    " 'current': {'id': x, 'name': x, 'is_shared': true, 'is_default': true},"
    " 'links': [{'href': x, 'is_current': true, 'is_shared': true, 'name': x, 'is_default': true}]}}"
)
"""The fields of a `foundation.web.list_view.ListView` that the macros read."""


class TestMacros:
    CALLS = (
        "ui.button(x, attrs={'data-x': x})", "ui.link_button(x, x)", "ui.icon_button('close', x)", "ui.badge(x, 'ok')",
        "ui.action(x, x, x, confirm=x, values={'a': x})", "ui.copied(x, x)",
        "ui.severity('high', x)", "ui.progress(1, 2, x, text=x)",
        "ui.tag(x)", "ui.live(x)", "ui.notice('bad', x, x)", "ui.toast('ok', x, x)", "ui.empty_state(x, x)",
        "ui.error_state(x, x)", "ui.no_permission_state(x, x)", "ui.loading_state(x, attrs={'hx-get': x})",
        "ui.pager(x, x, x)", "ui.filter_search(x, x, x)", "ui.filter_select(x, x, [(x, x)], x)",
        "ui.tile(x, x, x, x, 'up', 'ok', x)", "ui.moment(x, x, by=x, text=x)", "ui.facts([(x, x)])",
        "ui.diff(x, [{'field': x, 'old': x, 'new': x, 'note': x}])", "ui.change(x, x)", "ui.code(x)", "ui.csrf(x)",
        "ui.text_field(x, x, x, x, x, attrs={'placeholder': x})", "ui.text_area(x, x, x, x, x)",
        "ui.file_field(x, x, x, x, accept=x)",
        "ui.select_field(x, x, [(x, x)], x, x, x)", "ui.checkbox(x, x, value=x, hint=x)",
        "ui.radio_group(x, x, [(x, x, x)], x, x)", "ui.error_summary([(x, x)], x)", "ui.page_header(x, x, [(x, x)], x)",
        "ui.tabs([{'label': x, 'href': x, 'count': 3}], x)", "ui.confirm_dialog('d', x, x, x, x, x)",
        "ui.theme_toggle()", "ui.support_link(x, x)",
        "x|initials", "ui.icon('close', x)", "ui.filter_day(x, x, x)", "ui.filter_time(x, x, x)",
        f"ui.export_link({LIST})",
        f"ui.list_filters({LIST})", f"ui.list_pager({LIST}, x)", f"ui.select_row({LIST}, x, x)",
        f"ui.bulk_bar({LIST}, x, [{{'value': x, 'label': x, 'confirm': x}}], x)",
        "ui.as_of(now, now)",
        "ui.bulk_result({'result': none, 'refusal': {'heading': x, 'detail': x}}, x)",
    )  # fmt: skip

    @pytest.mark.parametrize("call", CALLS)
    def test_every_text_is_escaped(self, call: str) -> None:
        template = environment().from_string(f'{{% import "components/ui.html" as ui %}}{{{{ {call} }}}}')
        tree = read(template.render(x=EVIL, now=NOW))
        assert not tree.every("script")

    def test_the_list_of_macros_is_complete(self) -> None:
        module = environment().get_template("components/ui.html").module
        exported = {name for name in vars(module) if not name.startswith("_")}
        blocks = {"beside", "card", "dialog", "menu", "tiles", "timeline", "data_table", "filter_bar", "list_table"}
        assert exported == {match[1] for call in self.CALLS if (match := re.match(r"ui\.(\w+)", call))} | blocks

    def test_a_missing_value_is_an_error_not_an_empty_place(self) -> None:
        with pytest.raises(jinja2.UndefinedError):
            environment().from_string("{{ nobody_gave_this }}").render()

    def test_an_invalid_field_is_announced_to_assistive_technology(self) -> None:
        source = '{% import "components/ui.html" as ui %}{{ ui.text_field("price", "Price", "1", "Too low.", "EUR") }}'
        field = read(environment().from_string(source).render()).every("input")[0]
        assert field.attrs["aria-invalid"] == "true"
        assert field.attrs["aria-describedby"].split() == ["f-price-hint", "f-price-error"]
        assert "required" in field.attrs

    def test_a_room_cannot_replace_another_rooms_template(self, tmp_path: Path) -> None:
        for name in ("sign_in.html", "components/ui.html"):
            (tmp_path / "templates" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "templates" / name).write_text("stolen")
            found = build_environment({"room": tmp_path, "components": tmp_path}, static_url=str)
            assert found.get_template(f"room/{name}").render() == "stolen"
            assert str(found.get_template(name).filename) == str(TEMPLATES / name)

    def test_templates_of_a_room_are_found_in_its_folder_and_those_of_its_slices(self, tmp_path: Path) -> None:
        for folder in ("templates", "orders/templates"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / f"{folder[0]}.html").write_text(folder)
        found = build_environment({"sales": tmp_path}, static_url=str)
        assert found.get_template("sales/t.html").render() == "templates"
        assert found.get_template("sales/o.html").render() == "orders/templates"
        for name in ("o.html", "orders/o.html", "sales/orders/o.html", "other/o.html"):
            with pytest.raises(jinja2.TemplateNotFound):
                found.get_template(name)

    def test_environments_share_compiled_templates(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        page = tmp_path / "templates" / "page.html"
        page.parent.mkdir()
        page.write_text("{{ asset('a') }}")
        first = build_environment({"room": tmp_path}, static_url="/one/{}".format)
        assert first.get_template("room/page.html").render() == "/one/a"
        with monkeypatch.context() as patched:
            patched.setattr(type(first), "compile", None)
            again = build_environment({"room": tmp_path}, static_url="/two/{}".format)
            assert again.get_template("room/page.html").render() == "/two/a"
        page.write_text("{{ asset('b') }}")
        assert build_environment({"room": tmp_path}, static_url=str).get_template("room/page.html").render() == "b"


class TestShell:
    def test_a_boosted_answer_is_the_inside_with_title_and_navigation(self) -> None:
        tree = read(boosted_page())
        assert not tree.every("html")
        assert not tree.every("main")
        assert tree.children[0].words == "Design · Northwind"
        sidebar = next(element for element in tree.children if element.attrs.get("id") == "sidebar")
        assert sidebar.attrs["hx-swap-oob"] == "true"
        assert current(sidebar) == ["Design"]

    @pytest.mark.parametrize(
        ("headers", "boosted"),
        [
            ({}, False),
            ({"hx-request": "true"}, False),
            ({"hx-request": "true", "hx-boosted": "true"}, True),
            ({"hx-request": "true", "hx-boosted": "true", "hx-history-restore-request": "true"}, False),
        ],
    )
    def test_a_fragment_request_gets_the_content_only(self, headers: dict[str, str], boosted: bool) -> None:  # noqa: FBT001
        assert is_boosted(headers) is boosted
        page = Page(brand=northwind(), title="t", now=NOW, boosted=is_boosted(headers))
        assert page.layout == ("layout_boost.html" if boosted else "layout.html")

    @pytest.mark.parametrize(
        ("path", "label"),
        [
            ("/", "Overview"),
            ("/changes", "Changes"),
            ("/changes/7", "Changes"),
            ("/changes/new", "New"),
            ("/chang", None),
            ("/drafts/7", "New"),
        ],
    )
    def test_the_nearest_entry_is_current(self, path: str, label: str | None) -> None:
        entries = {"Overview": "/", "Changes": "/changes", "New": "/changes/new"}
        covers = {"New": ("/drafts",)}
        items = tuple(
            NavItem(label=name, href=href, icon="home", covers=covers.get(name, ())) for name, href in entries.items()
        )
        marked = mark_current((NavGroup(items=items),), path)
        assert [item.label for item in marked[0].items if item.current] == ([label] if label else [])


def current(tree: Element) -> list[str]:
    return [link.words for link in tree.every("a") if "aria-current" in link.attrs]


class TestStylesheet:
    CSS = (STATIC / "app.css").read_text()

    def test_no_colour_is_written_outside_the_palette(self) -> None:
        rules = re.sub(r"/\*.*?\*/|--shade[^;]*;", "", self.CSS, flags=re.DOTALL)
        assert not re.search(r"#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|white(?!-)|black)\b", rules)

    def test_every_property_it_uses_exists(self) -> None:
        defined = set(re.findall(r"(--[a-z0-9-]+)\s*:", self.CSS + render_stylesheet(northwind().theme)))
        assert set(re.findall(r"var\((--[a-z0-9-]+)", self.CSS)) <= defined

    def test_every_class_of_a_page_is_designed(self) -> None:
        designed = set(re.findall(r"\.([a-z][a-z0-9-]*)", self.CSS))
        used = {name for html in PAGES.values() for element in read(html).every() for name in element.classes}
        assert used - designed <= {
            "is-secondary",
            "is-neutral",
            "is-empty",
            "is-locked",
            "is-rows",
            "is-low",
            "is-accent",
        }

    def test_it_fetches_nothing(self) -> None:
        assert not re.search(r"url\(|@import", self.CSS)
