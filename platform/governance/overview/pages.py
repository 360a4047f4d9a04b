"""Pages of the client's dashboard and its self-refreshing fragments."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from foundation.i18n.localizer import translate
from foundation.web.fragments import FRAGMENT
from foundation.web.parameters import one_of
from governance.elements.selector_labels import write_selector
from governance.overview.buckets import read_buckets
from governance.overview.chart_marks import read_chart_marks
from governance.overview.charts import DEFAULT_SPAN, SPANS, STRETCHES, draw_changes, draw_decisions, draw_times
from governance.overview.queries import (
    MANY,
    UNSENT,
    Clock,
    read_clocks,
    read_figures,
    read_latest,
    read_overview,
)
from governance.permissions import GovernancePermission
from governance.records.titles import load_titles
from governance.web.render import render_page
from tenants.access import Access
from tenants.web.dependencies import OpenAccess

_READ: Final = {"permission": GovernancePermission.READ_DASHBOARD}
_ROOT: Final = "/clients/{client:str}/overview"
ChosenSpan = Annotated[str, one_of(SPANS)]


@get(_ROOT, name="overview", opt=_READ, include_in_schema=False)
async def show_overview_page(access: OpenAccess, span: ChosenSpan = DEFAULT_SPAN) -> Response[Any]:
    overview = await read_overview(access.session, now=access.now)
    context = {"figures": overview.figures, "many": MANY} | await _flow(access, overview.clocks)
    context |= await _charts(access, span)
    return render_page(access, "overview.html", translate("Overview"), context)


@get(f"{_ROOT}/figures", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_figures_fragment(access: OpenAccess) -> Response[Any]:
    return render_page(access, "overview_figures.html", translate("Overview"), await _figures(access))


@get(f"{_ROOT}/flow", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_flow_fragment(access: OpenAccess) -> Response[Any]:
    clocks = await read_clocks(access.session, now=access.now)
    return render_page(access, "overview_flow.html", translate("Overview"), await _flow(access, clocks))


@get(f"{_ROOT}/charts", opt=_READ | FRAGMENT, include_in_schema=False)
async def show_charts_fragment(access: OpenAccess, span: ChosenSpan = DEFAULT_SPAN) -> Response[Any]:
    return render_page(access, "overview_charts.html", translate("Overview"), await _charts(access, span))


async def _figures(access: Access) -> dict[str, object]:
    return {"figures": await read_figures(access.session, now=access.now), "many": MANY}


async def _flow(access: Access, clocks: Sequence[Clock]) -> dict[str, object]:
    latest = await read_latest(access.session, now=access.now)
    return {
        "selector": write_selector,
        "clocks": clocks,
        "unsent_limit": UNSENT,
        "latest": latest,
        "titles": await load_titles(access.session, [change.record_key for change in latest]),
    }


async def _charts(access: Access, span: str) -> dict[str, object]:
    chosen = SPANS[span]
    start = chosen.start(access.now)
    buckets = await read_buckets(access.session, start=start, width=chosen.width, count=STRETCHES)
    marks = await read_chart_marks(access.session, start=start)
    return {
        "span": chosen,
        "spans": list(SPANS.values()),
        "changes_chart": draw_changes(buckets, chosen, marks, access.root),
        "times_chart": draw_times(buckets, chosen, marks, access.root),
        "decisions_chart": draw_decisions(buckets, chosen, marks),
    }


OVERVIEW_PAGES: Final[tuple[HTTPRouteHandler, ...]] = (
    show_overview_page,
    show_figures_fragment,
    show_flow_fragment,
    show_charts_fragment,
)
