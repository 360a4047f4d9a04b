"""The view of a list on its page: filter fields, links of headers, the pages before and after, and the export.

Templates draw the view with `components/list.html`. All values are plain text; templates escape them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from foundation.errors import InvalidInput
from foundation.i18n.localizer import translate
from foundation.marks import N_
from foundation.web.lists import ChoiceFilter, DayFilter, Filter, ListDefinition, ListInput, Options
from foundation.web.pagination import ListQuery, ResultPage, RowCount, reverse_name
from foundation.web.saved_views import NO_VIEW, ListViews, SavedView
from foundation.web.time_filter import TimeFilter, parse_time, write_time


class FieldView(msgspec.Struct, frozen=True):
    """A field of the filter form; without `options`, a text field."""

    name: str
    label: str
    value: str
    options: Options | None
    is_hidden: bool
    is_usual: bool
    is_wrong: bool
    is_day: bool = False
    is_time: bool = False


class ViewLink(msgspec.Struct, frozen=True):
    """A saved view in the row above the filters."""

    name: str
    href: str
    is_current: bool
    is_shared: bool
    is_default: bool


class ViewRow(msgspec.Struct, frozen=True, kw_only=True):
    """The reader's views of the list. `all_href` opens the list without a view, `query` is the query that would be
    saved. `current` is the open view, `missing` are its filters that the list no longer has. `is_gone`: the view was
    deleted.
    """

    links: Sequence[ViewLink]
    all_href: str
    query: str
    current: SavedView | None
    missing: Sequence[str]
    is_gone: bool
    may_update: bool
    of: ListViews


class ListView(msgspec.Struct, frozen=True, kw_only=True):
    """A list on its page. `address` is the list's own, without a query. `order` is the order in words, `count` the
    number of rows in all, empty if not counted. `kept` are the parameters that forms send besides the filters: the open
    view and its columns.
    """

    name: str
    title: str
    address: str
    fields: Sequence[FieldView]
    values: Mapping[str, str]
    items: Sequence[Any]
    refusal: InvalidInput | None
    order: str
    count: str
    is_filtered: bool
    sort: str
    orders: Options
    sorts: Mapping[str, tuple[str, str]]
    query: str
    here: str
    first_href: str
    previous_href: str
    next_href: str
    export_href: str
    select_href: str
    select_all: bool
    views: ViewRow | None = None
    kept: Mapping[str, str] = {}
    columns: Sequence[str] = ()


def list_view(  # noqa: PLR0913 - keyword-only parts of one view
    definition: ListDefinition[Any],
    listed: ListInput,
    page: ResultPage[Any],
    address: str,
    *,
    options: Mapping[str, Options] = {},
    hidden: Collection[str] = (),
    export: str = "",
) -> ListView:
    """The view of a page of a list. `options` are those of filters whose values are in the database, by name, in the
    reader's language; `hidden` filters are not shown. `export` is the export's address without `.csv` if it differs
    from the page's.
    """
    filters = [one for one in definition.filters if one.name not in hidden]
    shown = {one.name: listed.raw.get(one.name, one.default) for one in filters}
    query = listed.query
    chosen = {name: value for name, value in shown.items() if value != _default(filters, name)}
    order = {} if query.sort.name == definition.usual_sort(query.values).name else {"sort": query.sort.name}
    wrong = listed.refusal.extra.get("field") if listed.refusal else None

    kept = _kept(listed)

    def href(**more: str) -> str:
        return _href(address, chosen | order | kept | more)

    cursor = {"cursor": listed.raw["cursor"]} if query.cursor is not None else {}
    return ListView(
        name=definition.name,
        title=translate(definition.title),
        address=address,
        fields=[_field(one, shown[one.name], options.get(one.name), wrong) for one in filters],
        values=shown,
        items=page.items,
        refusal=listed.refusal,
        order=translate(query.sort.label),
        count=_count(page.count),
        is_filtered=bool(chosen),
        sort=order.get("sort", ""),
        orders=_orders(definition, query),
        sorts=_sorts(definition, query.sort.name, lambda name: _href(address, chosen | {"sort": name} | kept)),
        query=_href("", chosen | order | kept),
        here=_href("", chosen | order | kept | cursor),
        first_href=href() if page.prev_cursor else "",
        previous_href=href(cursor=page.prev_cursor) if page.prev_cursor else "",
        next_href=href(cursor=page.next_cursor) if page.next_cursor else "",
        select_href=_href(address, chosen | order | kept | cursor | {"select": "all"}),
        select_all=listed.raw.get("select") == "all",
        export_href="" if listed.refusal else _href(f"{export or address}.csv", chosen | order),
        views=_view_row(definition, listed, address, _href("", chosen | order | _columns(listed))),
        kept=kept,
        columns=listed.columns,
    )


def _columns(listed: ListInput) -> dict[str, str]:
    return {"columns": ",".join(listed.columns)} if listed.columns else {}


def _kept(listed: ListInput) -> dict[str, str]:
    """The parameters besides filters and order: an open view, and columns."""
    if listed.views is None:
        return {}
    is_known = listed.views.find(listed.view) is not None or (listed.view == NO_VIEW and listed.views.default)
    return _columns(listed) | ({"view": listed.view} if is_known else {})


def _view_row(definition: ListDefinition[Any], listed: ListInput, address: str, query: str) -> ViewRow | None:
    views = listed.views
    if views is None:
        return None
    current = views.find(listed.view)

    def link(one: SavedView) -> ViewLink:
        columns = {"columns": ",".join(one.columns)} if one.columns else {}
        opened = _href(address, definition.fit(one)[0] | columns | {"view": str(one.id)})
        return ViewLink(one.name, opened, one is current, one.is_shared, one.is_default)

    return ViewRow(
        links=[link(one) for one in views.views],
        all_href=f"{address}?view={NO_VIEW}" if views.default else address,
        query=query,
        current=current,
        missing=definition.fit(current)[1] if current else (),
        is_gone=current is None and listed.view not in ("", NO_VIEW),
        may_update=current is not None and (views.may_share if current.is_shared else current.is_own),
        of=views,
    )


def _count(count: RowCount | None) -> str:
    if count is None:
        return ""
    return translate(N_("more than {number}") if count.more else N_("{number} in all"), number=count.number)


def _default(filters: Sequence[Filter], name: str) -> str:
    return next(one.default for one in filters if one.name == name)


def _field(one: Filter, value: str, options: Options | None, wrong: object) -> FieldView:
    known = options
    if isinstance(one, ChoiceFilter):
        known = [(name, translate(label)) for name, label in one.options]
    is_usual, is_wrong, is_time = value == one.default, wrong == one.name, isinstance(one, TimeFilter)
    if is_time and (at := parse_time(value)) is not None:
        value = write_time(at)  # as the browser's field takes it
    return FieldView(
        one.name,
        translate(one.label),
        value,
        known,
        one.hidden,
        is_usual,
        is_wrong,
        isinstance(one, DayFilter),
        is_time,
    )


def _orders(definition: ListDefinition[Any], query: ListQuery) -> Options:
    """All orders, first the default order, which has no name in addresses."""
    usual = definition.usual_sort(query.values)
    others = [(name, translate(sort.label)) for name, sort in definition.orders.items() if name != usual.name]
    return [("", translate(usual.label)), *others]


def _sorts(definition: ListDefinition[Any], current: str, link: Any) -> dict[str, tuple[str, str]]:
    """Address and state (`ascending`, `descending` or empty) of each sortable column, by the order's plain name."""
    found = {}
    for sort in definition.sorts:
        plain = sort.name.removeprefix("-")
        if current in (sort.name, reverse_name(sort.name)):
            state = "descending" if current.startswith("-") else "ascending"
            found[plain] = (link(reverse_name(current)), state)
        else:
            found[plain] = (link(sort.name), "")
    return found


def _href(address: str, values: Mapping[str, str]) -> str:
    return address + (f"?{urlencode(values, quote_via=quote)}" if values else "")
