"""Look-up of variants by SKU, complete for any list limit of the shop."""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final, Generic

from connectors.paging import ListPage, ListProgress, check_page
from connectors.ports import HttpCaller, SystemUnavailable
from connectors.vendure import reasons
from connectors.vendure.messages import Item, Listed
from connectors.vendure.session import VendureSession

_MANY: Final = 2
"""Number of variants of one SKU from which the SKU is ambiguous."""
_MOST_PAGES: Final = 50


class Lookup(Generic[Item]):
    """Variants by SKU with one of the queries of `messages`, in one session."""

    def __init__(self, http: HttpCaller, session: VendureSession, query: str, shape: type[Listed[Item]]) -> None:
        self._http = http
        self._session = session
        self._query = query
        self._shape: Any = shape
        self._settings: tuple[object, ...] | None = None

    async def find(self, skus: Sequence[str]) -> tuple[Listed[Item], list[Item]]:
        """The variants of `skus`, and one response with the shop's settings. Of a SKU shared by many only some are
        returned.

        A truncated list is requested again without the SKUs that fill it, or in halves, so that no SKU hides another.
        Raises as `VendureSession.query`.
        """
        first: Listed[Item] | None = None
        found: list[Item] = []
        pending = deque([list(dict.fromkeys(skus))])
        while pending:
            part = pending.popleft()
            answer = await self._find_page(part, 0)
            first = first or answer
            items = [each for each in answer.product_variants.items if each.sku in set(part)]
            shared = {sku for sku, count in Counter(each.sku for each in items).items() if count >= _MANY}
            if self._is_complete(answer, 0):
                found += items
                continue
            found += [each for each in items if each.sku in shared]
            rest = [sku for sku in part if sku not in shared]
            if len(rest) == 1 and not shared:
                found += await self._read_on(rest[0], answer)
            elif rest:
                middle = len(rest) if shared else len(rest) // 2
                pending += [half for half in (rest[:middle], rest[middle:]) if half]
        if first is None:
            raise ValueError("variants are looked up by at least one SKU")
        return first, found

    async def _read_on(self, sku: str, answer: Listed[Item]) -> list[Item]:
        """Read further pages: a shop that compares without regard to case or blanks may list many more variants than
        requested.
        """
        start, progress = 0, ListProgress()
        found = [each for each in answer.product_variants.items if each.sku == sku]
        while len(found) < _MANY and not self._is_complete(answer, start):
            start += len(answer.product_variants.items)
            answer = await self._find_page([sku], start)
            items = answer.product_variants.items
            requested, following = str(start), str(start + len(items))
            step = check_page(progress, ListPage(requested, following, more=True, items=[each.id for each in items]))
            if step.trouble or step.progress.pages > _MOST_PAGES:
                trouble = step.trouble or reasons.TOO_LONG.write()
                raise SystemUnavailable(reasons.SKU_LIST_UNREADABLE.write(reason=trouble))
            progress = step.progress
            found += [each for each in items if each.sku == sku]
        return found

    async def _find_page(self, skus: Sequence[str], skip: int) -> Listed[Item]:
        variables: dict[str, Any] = {"skus": list(skus), "skip": skip}
        answer: Listed[Item] = await self._session.query_list(self._http, self._query, variables, self._shape)
        settings = answer.active_channel, answer.global_settings, answer.stock_locations
        if self._settings not in (None, settings):
            raise SystemUnavailable(reasons.SETTINGS_CHANGED.write())
        self._settings = settings
        return answer

    def _is_complete(self, answer: Listed[Item], start: int) -> bool:
        listed = answer.product_variants
        if listed.total_items is not None:
            return start + len(listed.items) >= listed.total_items
        return len(listed.items) < self._session.take
