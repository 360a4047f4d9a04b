"""Lists, declared once: filters, orders and columns, from which the API, the page and the CSV export are made.

A declaration gives typed query parameters to the route (so that OpenAPI describes them), the filter form and sortable
headers to the page (`list_view`), and the file's columns to the export (`csv_export`).
"""

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from litestar import Request
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from foundation.errors import InvalidInput, MalformedInput
from foundation.marks import N_
from foundation.text import NOT_STORABLE, is_storable, mark_hidden
from foundation.web.boundary import header_text
from foundation.web.csv_export import CsvColumn
from foundation.web.pagination import COUNTED_AT_MOST, ListCursor, ListQuery, ResultPage, Sort
from foundation.web.saved_views import ListViews, SavedView, column_names
from foundation.web.time_filter import TimeFilter

T = TypeVar("T")
USUAL: Final = 50
MOST: Final = 200
LONGEST_TEXT: Final = 2_000
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNT: Final = f"`true`: `count` says how many rows match, exactly up to {COUNTED_AT_MOST:,}."
_FIELDS: Final = "Names of the fields of the items to return, separated by commas; all if empty."
_NAMES: Final = {"pattern": "^[a-z0-9_,]*$"}
_QUOTED: Final = 80
Options = Sequence[tuple[str, str]]
AnyRequest = Request[Any, Any, Any]
AnyAccess = NamedDependency[Any]
"""The request's context, whose `list_views` a list's page reads."""


class ChoiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter with a fixed set of values. `options` are (value, label) pairs; `default` is one of the values.
    `hidden`: in links only, such as tabs, not in the page's form.
    """

    name: str
    label: str
    options: Options
    default: str = ""
    about: str = ""
    hidden: bool = False

    def check(self, value: str) -> str:
        if value not in {option for option, _ in self.options}:
            known = ", ".join(option for option, _ in self.options if option)
            raise MalformedInput(
                N_("“{name}” has no such value. Use one of: {known}."),
                params={"name": self.name, "known": known},
                field=self.name,
            )
        return value

    @property
    def schema(self) -> dict[str, Any]:
        return {"enum": [value for value, _ in self.options]}


class TextFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter with any text. `hidden`: part of links only, not a field of the page's form."""

    name: str
    label: str
    about: str = ""
    hidden: bool = False
    default: str = ""

    def check(self, value: str) -> str:
        return value

    @property
    def schema(self) -> dict[str, Any] | None:
        return None


class DayFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter with a day such as 2026-11-29, or nothing."""

    name: str
    label: str
    about: str = "A day in UTC, such as 2026-11-29."
    hidden: bool = False
    default: str = ""

    def check(self, value: str) -> str:
        """Raises: MalformedInput."""
        if value and not is_day(value):
            raise MalformedInput(
                N_("“{name}” is not a day such as 2026-11-29."), params={"name": self.name}, field=self.name
            )
        return value

    @property
    def schema(self) -> dict[str, Any]:
        return {"pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"}


Filter = ChoiceFilter | TextFilter | DayFilter | TimeFilter


class ListInput(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a request: `raw` as typed, and either a checked `query` or a `refusal`. `fields` are those of the
    items to return; empty for all. On pages, `views` are the reader's, `view` is the open one's id or `NO_VIEW`, and
    `columns` are the names of those shown.
    """

    raw: Mapping[str, str]
    query: ListQuery
    refusal: InvalidInput | None = None
    fields: Sequence[str] = ()
    views: ListViews | None = None
    view: str = ""
    columns: Sequence[str] = ()

    def require(self) -> ListQuery:
        """The query. Raises: InvalidInput."""
        if self.refusal is not None:
            raise self.refusal
        return self.query

    def uncounted(self) -> "ListInput":
        """The same query without a count, for a page whose number of rows is known."""
        return msgspec.structs.replace(self, query=msgspec.structs.replace(self.query, counted=False))


ListParameters = NamedDependency[ListInput]
"""Type of a handler's parameter `listed`, which `ListDefinition.parameters` fills from the query."""

Load = Callable[[AsyncSession, ListQuery, datetime], Awaitable[ResultPage[T]]]


class ListDefinition(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A list. The first of `sorts` is the default order, unless `usual_order` names one by the filters' values.
    `columns` are those of the CSV export. Raises ValueError when two filters or two orders have one name.
    """

    name: str
    title: str
    item: Any
    load: Load[T]
    sorts: Sequence[Sort]
    columns: Sequence[CsvColumn | str]
    filters: Sequence[Filter] = ()
    usual_order: Callable[[Mapping[str, str]], str] | None = None
    usual: int = USUAL
    most: int = MOST
    on_page: int = 0
    """Rows of a page in the browser, for lists whose rows take long to draw; `usual` if 0."""

    def __post_init__(self) -> None:
        for names in ([one.name for one in self.filters], [one.name for one in self.sorts]):
            if len(set(names)) < len(names):
                raise ValueError(f"the list {self.name} declares a name twice: {', '.join(names)}")

    @property
    def orders(self) -> Mapping[str, Sort]:
        """Orders by the value of `sort`, the reversed ones included."""
        both = [(sort, sort.reversed()) for sort in self.sorts]
        return {sort.name: sort for pair in both for sort in pair}

    def parse(
        self, raw: Mapping[str, str], *, limit: int | None = None, counted: bool = False, fields: str = ""
    ) -> ListInput:
        """Check a query. A refusal is returned, not raised, because pages show it beside the input."""
        typed = {name: value for name, value in raw.items() if isinstance(value, str)}
        values = {one.name: one.default for one in self.filters}
        query = ListQuery(list=self.name, sort=self.sorts[0], values=values, limit=limit or self.usual, counted=counted)
        try:
            chosen = self._fields(check_exact(fields, "fields"))
            return ListInput(raw=typed, query=self._check(typed, query, limit), fields=chosen)
        except InvalidInput as refusal:
            return ListInput(raw=typed, query=query, refusal=refusal)

    def _parse_page(self, given: Mapping[str, str]) -> ListInput:
        return self.parse(given, limit=self.on_page or None, counted=True)

    def query(self, *, limit: int | None = None, **values: str) -> ListQuery:
        """A query that the product itself makes. Raises: InvalidInput."""
        return self.parse(values, limit=limit).require()

    async def load_most(self, session: AsyncSession, now: datetime) -> Sequence[T]:
        """As many items as a page may have, in the usual order."""
        return (await self.load(session, self.query(limit=self.most), now)).items

    async def load_all(self, session: AsyncSession, now: datetime) -> Sequence[T]:
        """Every item, in the usual order, read page by page."""
        query, found = self.query(limit=self.most), list[T]()
        while True:
            page = await self.load(session, query, now)
            found += page.items
            if page.next_cursor is None:
                return found
            cursor = ListCursor.decode(page.next_cursor, of=self.name, sort=query.sort)
            query = msgspec.structs.replace(query, cursor=cursor)

    def _check(self, raw: Mapping[str, str], query: ListQuery, limit: int | None) -> ListQuery:
        if limit is not None and not 1 <= limit <= self.most:
            raise InvalidInput(N_("A page has 1 to {most} items."), params={"most": self.most}, field="limit")
        values = {one.name: one.check(check_exact(raw.get(one.name, one.default), one.name)) for one in self.filters}
        sort = self._sort(raw.get("sort", ""), values)
        token = raw.get("cursor", "")
        cursor = ListCursor.decode(token, of=self.name, sort=sort) if token else None
        return msgspec.structs.replace(query, sort=sort, values=values, cursor=cursor)

    def _fields(self, typed: str) -> Sequence[str]:
        if not typed:
            return ()
        chosen, known = [name for name in dict.fromkeys(typed.split(",")) if name], field_names(self.item)
        unknown = next((name for name in chosen if name not in known), None)
        if unknown is not None:
            raise InvalidInput(
                N_("The items of this list have no field “{name}”. They have: {known}."),
                params={"name": mark_hidden(unknown[:_QUOTED]), "known": ", ".join(known)},
                field="fields",
                allowed=list(known),
            )
        return chosen

    def usual_sort(self, values: Mapping[str, str]) -> Sort:
        return self.sorts[0] if self.usual_order is None else self.orders[self.usual_order(values)]

    def _sort(self, name: str, values: Mapping[str, str]) -> Sort:
        orders = self.orders
        if not name:
            return self.usual_sort(values)
        if name not in orders:
            raise MalformedInput(
                N_("“sort” has no such value. Use one of: {known}."), params={"known": ", ".join(orders)}, field="sort"
            )
        return orders[name]

    @property
    def parameters(self) -> dict[str, Provide]:
        """Dependencies of a route: `listed`, from typed query parameters."""
        return {"listed": Provide(self._provider(api=True), sync_to_thread=False)}

    @property
    def page_parameters(self) -> dict[str, Provide]:
        """As `parameters`, for pages, which have a length of their own, count the rows, and open the reader's views
        (from the request's context `access`).
        """
        return {"listed": Provide(self._provider(api=False, views=True), sync_to_thread=False)}

    @property
    def export_parameters(self) -> dict[str, Provide]:
        """As `page_parameters`, without views: a file has the rows of its address, and all columns."""
        return {"listed": Provide(self._provider(api=False), sync_to_thread=False)}

    def fit(self, view: SavedView) -> tuple[dict[str, str], Sequence[str]]:
        """The values of a view's filters and order that this list has, and the names of the others."""
        filters = {one.name: one for one in self.filters}
        fitting: dict[str, str] = {}
        for name, value in view.values.items():
            try:
                fitting[name] = filters[name].check(check_exact(value, name))
            except (KeyError, InvalidInput):
                continue
        if view.sort in self.orders:
            fitting["sort"] = view.sort
        stored = [*view.values, *(["sort"] if view.sort else [])]
        return fitting, [name for name in stored if name not in fitting]

    def _open(self, request: AnyRequest, views: ListViews | None, given: dict[str, Any]) -> ListInput:
        """The input of a page. Without any query, that of the reader's default view."""
        view, columns = given.pop("view"), column_names(given.pop("columns"))
        if views is not None and views.default is not None and _is_bare(request):
            given |= self.fit(views.default)[0]
            view, columns = str(views.default.id), list(views.default.columns)
        return msgspec.structs.replace(self._parse_page(given), views=views, view=view, columns=columns)

    def _provider(self, *, api: bool, views: bool = False) -> Callable[..., ListInput]:
        """A function with the list's parameters in its signature, from which the framework takes names and schemas."""

        def provide(**given: Any) -> ListInput:
            if views:
                return self._open(given.pop("request"), given.pop("access").list_views, given)
            if not api:
                return self._parse_page(given)
            limit, counted = given.pop("limit", None), given.pop("count", False)
            return self.parse(given, limit=limit, counted=counted, fields=given.pop("fields", ""))

        found = {one.name: (one.schema, one.about or one.label, one.default) for one in self.filters}
        usual = "" if self.usual_order else self.sorts[0].name
        found["sort"] = ({"enum": ["", *self.orders]}, "Order; a leading minus reverses it.", usual)
        found["cursor"] = (None, "`next_cursor` or `prev_cursor` of a page of this list.", "")
        hints: dict[str, Any] = {
            name: Annotated[str, QueryParameter(description=about, schema_extra=schema)]
            for name, (schema, about, _) in found.items()
        }
        defaults: dict[str, Any] = {name: default for name, (_, _, default) in found.items()}
        if api:
            hints["limit"] = Annotated[int, QueryParameter(description=f"Items per page, at most {self.most}.")]
            defaults["limit"] = self.usual
            hints["count"] = Annotated[bool, QueryParameter(description=_COUNT)]
            defaults["count"] = False
            hints["fields"] = Annotated[str, QueryParameter(description=_FIELDS, schema_extra=_NAMES)]
            defaults["fields"] = ""
        else:  # the link that ticks all rows where no script can
            hints["select"] = Annotated[str, QueryParameter(description="`all` ticks every row.")]
            defaults["select"] = ""
        if views:
            hints["view"] = Annotated[str, QueryParameter(description="Id of the open view, or `none`.")]
            hints["columns"] = Annotated[list[str], QueryParameter(description="Names of the columns to show.")]
            defaults |= {"view": "", "columns": ()}
            hints |= {"request": AnyRequest, "access": AnyAccess}
            provide.list_name = self.name  # type: ignore[attr-defined]
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter(name, keyword, annotation=hint, default=defaults.get(name, inspect.Parameter.empty))
            for name, hint in hints.items()
        ]
        provide.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        provide.__annotations__ = {**hints, "return": ListInput}
        return provide


def list_of(dependency: object) -> str:
    """Name of the list whose page has this dependency; empty for other dependencies."""
    return getattr(dependency, "list_name", "")


def _is_bare(request: AnyRequest) -> bool:
    """Whether the request opens a page without a query. Parts of a page are drawn as the page is."""
    scope = request.scope
    is_part = header_text(scope, b"hx-request") and header_text(scope, b"hx-boosted") != "true"
    return request.method == "GET" and not scope.get("query_string") and not is_part


def field_names(item: Any) -> Sequence[str]:
    """Names of the fields of a list's items, as in JSON."""
    return [one.encode_name for one in msgspec.structs.fields(item)]


def is_day(text: str) -> bool:
    """Whether the text is a day of the calendar, such as 2026-11-29."""
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def check_exact(text: str, field: str) -> str:
    """Return the text unchanged: trailing blanks of a record key are significant.

    Raises:
        InvalidInput: the text cannot be stored, or is too long.
    """
    if "\x00" in text:
        raise InvalidInput(N_("The text contains a NUL character. Remove it."), field=field)
    if not is_storable(text):
        raise InvalidInput(NOT_STORABLE, field=field)
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(
            N_("This has {number} characters; at most {most} are allowed. Shorten it."),
            params={"number": len(text), "most": LONGEST_TEXT},
            field=field,
        )
    return text
