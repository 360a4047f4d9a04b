"""Results of writes, common to everything that is written to Vendure by SKU."""

from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

import msgspec

from canonical.keys import ElementKey
from connectors.messages import NEWER_IN_BATCH
from connectors.ports import ChannelWrite, PayloadInvalid, SystemUnavailable, WriteResult, WriteState
from connectors.vendure import reasons
from connectors.vendure.messages import Item
from connectors.vendure.session import GraphQlRefused, is_signed_out
from foundation.i18n.messages import NOTHING, MessageText

UNKNOWN: Final = reasons.UNKNOWN_SKU.write()
OLDER: Final = NEWER_IN_BATCH.write()
# Errors caused by a single value; any other is the shop's own and temporary.
VALUE_CODES: Final = frozenset({"USER_INPUT_ERROR", "BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED", "ILLEGAL_OPERATION"})
FAILED_CODES: Final = frozenset({"INTERNAL_SERVER_ERROR"})

Target = TypeVar("Target")


def result(
    write: ChannelWrite,
    state: WriteState,
    detail: MessageText = NOTHING,
    retry_after: float | None = None,
    *,
    whole: bool = False,
) -> WriteResult:
    return WriteResult(write.key, state, detail, retry_after, whole)


def by_sku(variants: Sequence[Item]) -> dict[str, list[Item]]:
    """Variants by SKU. A SKU shared by several variants is ambiguous. A variant may occur on two pages."""
    found: dict[str, list[Item]] = {}
    for variant in {variant.id: variant for variant in variants}.values():
        found.setdefault(variant.sku, []).append(variant)
    return found


def shared_by(variants: Sequence[Item]) -> MessageText:
    """Reason why the SKU of `variants` is ambiguous; empty when the SKU is unique."""
    return reasons.SHARED_SKU.write(count=len(variants)) if len(variants) > 1 else NOTHING


def find_clashes(writes: Sequence[ChannelWrite], targets: dict[int, Target]) -> dict[int, MessageText]:
    """Reasons against writes of several keys that mean one field of Vendure and differ, by index.

    The undivided price and that of the default currency are one field there. `targets`: fields by index of the write.
    """
    by_field: dict[Target, dict[ElementKey, int]] = {}
    for index in newest(targets, writes):
        by_field.setdefault(targets[index], {})[writes[index].key] = index
    clashes = dict[int, MessageText]()
    for keys in by_field.values():
        if len({writes[index].value for index in keys.values()}) > 1:
            dimensions = [key.dimension or reasons.NO_DIMENSION.write() for key in sorted(keys)]
            clashes |= dict.fromkeys(keys.values(), reasons.ONE_FIELD.write(dimensions=dimensions))
    return clashes


def newest(indexes: "Sequence[int] | dict[int, Target]", writes: Sequence[ChannelWrite]) -> list[int]:
    """The subset of `indexes` whose write has the highest version for its key, in order."""
    chosen: dict[ElementKey, int] = {}
    for index in indexes:
        write = writes[index]
        before = chosen.setdefault(write.key, index)
        if writes[before].version < write.version:
            chosen[write.key] = index
    return sorted(chosen.values())


async def send(request: Awaitable[object], writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    """Results of one mutation. The shop applies it completely or not at all: when one value is refused,
    `push_in_parts` finds it. Raises GraphQlRefused when the session has expired.
    """
    try:
        await request
    except GraphQlRefused as problem:
        if is_signed_out(problem):
            raise
        refused = problem.code in VALUE_CODES
        state = WriteState.REFUSED if refused else WriteState.RETRY
        return [result(w, state, problem.reason, whole=refused or problem.code in FAILED_CODES) for w in writes]
    except PayloadInvalid as problem:  # a reading determines whether it was applied
        return [result(w, WriteState.ACCEPTED, problem.reason) for w in writes]
    except SystemUnavailable as problem:
        # Not a sign-in problem. A permanent refusal of the request applies to each value in it.
        state = WriteState.REFUSED if problem.permanent else WriteState.RETRY
        failed = [result(w, state, problem.reason, problem.retry_after, whole=problem.whole) for w in writes]
        return [msgspec.structs.replace(each, uncertain=not problem.permanent) for each in failed]
    return [result(w, WriteState.ACCEPTED) for w in writes]


def merge(
    writes: Sequence[ChannelWrite], refused: dict[int, MessageText], sent: dict[int, WriteResult]
) -> list[WriteResult]:
    """One result per write, in order; writes neither refused nor sent had a newer one in the same batch."""
    return [
        result(write, WriteState.REFUSED, refused[index])
        if index in refused
        else sent.get(index) or result(write, WriteState.STALE, OLDER)
        for index, write in enumerate(writes)
    ]
