"""Work of a request before its transaction: calls of other systems, for which no transaction may wait.

A route declares this work in its options, as `{BEFORE: …}`. The web edge runs it once the caller may use the route.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, Self

from litestar import Request

from foundation.scope import Scope

BEFORE: Final = "before_transaction"


class BeforeTransaction(ABC):
    """`concerns`: whether this request needs it; without that, the caller's rights are read once only. `run` stores
    its result in `request.state`, a refusal too, so that the page can show it.
    """

    @abstractmethod
    async def concerns(self, request: Request[Any, Any, Any]) -> bool: ...

    @abstractmethod
    async def run(self, request: Request[Any, Any, Any], scope: Scope) -> None: ...

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: the framework copies the options of a route, and services cannot be copied."""
        return self
