"""Batching of values into requests that the remote system accepts.

Requests are bounded in bytes as well as in items: a batch within the item limit can still exceed the limit of a URL or
a body. A request refused as a unit does not identify the refused value, so it is bisected until it does; the number of
requests is bounded, and the rest is tried with the next attempt.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeVar

from canonical.keys import ElementKey
from connectors import messages
from connectors.ports import (
    ChannelReading,
    ChannelWrite,
    HttpCaller,
    PayloadInvalid,
    SystemUnavailable,
    WriteResult,
    WriteState,
)
from foundation.i18n.messages import MessageText, reason_of
from foundation.outbound.errors import AnswerTooLarge, OutboundRefused, OutboundUnavailable

Item = TypeVar("Item")

BODY_BYTES: Final = 64 * 1024
"""Below the smallest usual limit of a body, 100 kB."""
QUERY_BYTES: Final = 1800
"""Below the smallest usual limit of a URL, 2,048 bytes."""
MOST_REFUSED: Final = 40
"""Limit of requests in the search for a refused value. As many as it takes to find three among 250."""
MOST_FAILED: Final = 12
"""The same for server errors (500), which may also be an outage: more requests would do harm."""

_OLDER: Final = messages.NEWER_IN_BATCH.write()
_NOT_YET: Final = messages.SENT_WITH_FEWER.write()


def split_by_size(
    items: Sequence[Item], size_of: Callable[[Item], int], *, most_bytes: int, most_items: int
) -> Iterator[Sequence[Item]]:
    """Consecutive items grouped into requests within the limit. An item above the limit is sent alone."""
    start, size = 0, 0
    for index, item in enumerate(items):
        more = size_of(item)
        if index > start and (size + more > most_bytes or index - start >= most_items):
            yield items[start:index]
            start, size = index, 0
        size += more
    if start < len(items):
        yield items[start:]


async def push_in_parts(  # noqa: PLR0913 - keyword-only bounds
    http: HttpCaller,
    writes: Sequence[ChannelWrite],
    send: Callable[[HttpCaller, Sequence[ChannelWrite]], Awaitable[list[WriteResult]]],
    size_of: Callable[[ChannelWrite], int],
    *,
    most_bytes: int = BODY_BYTES,
    most_items: int,
) -> list[WriteResult]:
    """One result per write, in order. `send` marks a refusal of the full request (`WriteResult.whole`).

    Raises the errors of `send` as long as no result of any write is known.
    """
    numbered = list(enumerate(writes))
    queue = deque(split_by_size(numbered, lambda pair: size_of(pair[1]), most_bytes=most_bytes, most_items=most_items))
    left = {WriteState.REFUSED: MOST_REFUSED, WriteState.RETRY: MOST_FAILED}
    callers: dict[int, HttpCaller] = {}
    results: dict[int, WriteResult] = {}
    sent: dict[ElementKey, int] = {}
    while queue:
        part = queue.popleft()
        # A half can run after a later part of the batch; it must not overwrite a newer value with an older one.
        fresh = [(n, w) for n, w in part if sent.get(w.key, w.version) <= w.version]
        if len(fresh) < len(part):
            kept = {n for n, _ in fresh}
            results |= {n: _result(w, WriteState.STALE, _OLDER) for n, w in part if n not in kept}
        if not fresh:
            continue
        try:
            answers = await send(callers.get(fresh[0][0], http), [write for _, write in fresh])
        except (OutboundUnavailable, OutboundRefused) as error:
            if not results:
                raise
            wait = error.retry_after if isinstance(error, OutboundUnavailable) else None
            uncertain = isinstance(error, OutboundUnavailable) and error.sent
            results |= {n: _result(w, WriteState.RETRY, reason_of(error), wait, uncertain=uncertain) for n, w in fresh}
            unsent = [pair for rest in queue for pair in rest]
            results |= {n: _result(w, WriteState.RETRY, reason_of(error), wait) for n, w in unsent}
            break
        whole = all(answer.whole for answer in answers)
        if len(fresh) > 1 and whole and answers[0].state in left:
            left[answers[0].state] -= 2
            if left[answers[0].state] < 0:
                uncertain = any(answer.uncertain for answer in answers)
                results |= {n: _result(w, WriteState.RETRY, _NOT_YET, uncertain=uncertain) for n, w in fresh}
            elif answers[0].state is WriteState.REFUSED:
                queue.extendleft(reversed(halves(fresh)))  # down to single values, or no attempt would end with one
            else:
                queue.extend(halves(fresh))  # a half that succeeds between failures rules out an outage
                # Each half was sent before and failed, so it is a retry and spends retry budget.
                callers |= {half[0][0]: _for_retries(http) for half in halves(fresh)}
            continue
        results |= {n: answer for (n, _), answer in zip(fresh, answers, strict=True)}
        sent |= {w.key: w.version for _, w in fresh}
        if not whole and all(answer.state is WriteState.RETRY for answer in answers):
            last = answers[-1]  # temporary: the rest would get the same answer
            rest = [pair for part in queue for pair in part]
            results |= {n: _result(w, WriteState.RETRY, last.detail, last.retry_after) for n, w in rest}
            break
    return [results[n] for n in range(len(writes))]


async def read_in_parts(
    keys: Sequence[ElementKey],
    read: Callable[[Sequence[ElementKey]], Awaitable[list[ChannelReading]]],
    size_of: Callable[[ElementKey], int],
    *,
    most_bytes: int = BODY_BYTES,
    most_items: int,
) -> list[ChannelReading]:
    """One reading per key, in order. A key without an answer is not `answered`; one that makes its response unreadable
    is `unreadable` itself, and the other items are read without it.

    Raises the errors of `read` when there is no answer for any key.
    """
    numbered = list(enumerate(keys))
    queue = deque(split_by_size(numbered, lambda pair: size_of(pair[1]), most_bytes=most_bytes, most_items=most_items))
    left = MOST_REFUSED
    found: dict[int, ChannelReading] = {}
    odd: dict[int, ChannelReading] = {}
    failure: SystemUnavailable | AnswerTooLarge | PayloadInvalid | None = None
    while queue:
        part = queue.popleft()
        try:
            answers = await read([key for _, key in part])
        except (SystemUnavailable, AnswerTooLarge, PayloadInvalid) as problem:
            if isinstance(problem, SystemUnavailable) and not problem.whole:
                raise
            failure = failure or problem
            # Without a single answer so far, possibly an outage.
            if len(part) > 1 and left > (0 if found else MOST_REFUSED - MOST_FAILED):
                left -= 2
                queue.extend(halves(part))
            elif len(part) == 1 and isinstance(problem, PayloadInvalid):
                odd |= {n: ChannelReading(key, None, unreadable=problem.reason) for n, key in part}
            continue
        found |= {n: reading for (n, _), reading in zip(part, answers, strict=True)}
    if failure is not None and not found:
        raise failure
    found |= odd
    return [found.get(n) or ChannelReading(key, None, answered=False) for n, key in enumerate(keys)]


async def read_supported(
    keys: Sequence[ElementKey],
    is_supported: Callable[[ElementKey], bool],
    read: Callable[[Sequence[ElementKey]], Awaitable[list[ChannelReading]]],
    size_of: Callable[[ElementKey], int],
    *,
    most_items: int,
) -> list[ChannelReading]:
    """As `read_in_parts`; the channel has no value for keys that are not supported, which are not requested."""
    wanted = [key for key in keys if is_supported(key)]
    readings = iter(await read_in_parts(wanted, read, size_of, most_items=most_items))
    return [next(readings) if is_supported(key) else ChannelReading(key, None) for key in keys]


def _for_retries(http: HttpCaller) -> HttpCaller:
    again: Callable[[], HttpCaller] | None = getattr(http, "again", None)
    return http if again is None else again()


def halves(items: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Item]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]


def _result(
    write: ChannelWrite,
    state: WriteState,
    detail: MessageText,
    retry_after: float | None = None,
    *,
    uncertain: bool = False,
) -> WriteResult:
    return WriteResult(write.key, state, detail, retry_after, uncertain=uncertain)
