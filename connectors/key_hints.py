"""Hints for unknown record keys: similar keys on the channel, added to the outcome."""

import unicodedata
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Final

import msgspec

from connectors import messages
from connectors.ports import ChannelWrite, PayloadInvalid, SystemUnavailable, WriteResult, WriteState
from foundation.i18n.messages import MessageText
from foundation.outbound.errors import OutboundRefused, OutboundUnavailable
from foundation.text import mark_hidden

_MOST: Final = 20
"""Limit of keys per batch for which a similar one is looked up."""
_BLANK: Final = "␣"


def spellings(key: str) -> list[str]:
    """Look-alikes of `key`: other blanks, another Unicode form, another case."""
    bare = " ".join("".join(c for c in key if unicodedata.category(c) not in ("Cf", "Cc")).split())
    forms = [unicodedata.normalize(form, bare) for form in ("NFC", "NFD", "NFKC")]
    found = [*forms, *(unicodedata.normalize(form, key) for form in ("NFC", "NFD"))]
    found += [each for form in dict.fromkeys(forms) for each in (f"{form} ", f" {form}", form.upper(), form.lower())]
    return [each for each in dict.fromkeys(found) if each and each != key]


def describe_difference(key: str, other: str) -> MessageText:
    if unicodedata.normalize("NFC", key) == unicodedata.normalize("NFC", other):
        return messages.ACCENTS.write()
    if "".join(key.split()) == "".join(other.split()):
        return messages.BLANK.write()
    if key.casefold() == other.casefold():
        return messages.CASE.write()
    return messages.LOOK_ALIKE.write()


def quote_key(key: str) -> str:
    """The key in quotation marks, with blanks at its ends and invisible characters shown."""
    inner = key.strip(" ")
    before, _, after = key.partition(inner) if inner else (key, "", "")
    return f"“{_BLANK * len(before)}{mark_hidden(inner)}{_BLANK * len(after)}”"


async def explain_unknown(
    results: Sequence[WriteResult],
    writes: Sequence[ChannelWrite],
    unknown: Collection[str],
    find: Callable[[Sequence[str]], Awaitable[Iterable[str]]],
) -> list[WriteResult]:
    """`results` with a hint added to each whose detail is in `unknown` and for which the channel has a similar key.

    `find` returns the keys that exist on the channel. When it fails, the results stay unchanged.
    """
    keys = list(
        dict.fromkeys(r.key.record_key for r in results if r.state is WriteState.REFUSED and r.detail in unknown)
    )
    others = {key: spellings(key) for key in keys[:_MOST]}
    wanted = list(dict.fromkeys(other for each in others.values() for other in each))
    try:
        existing = set(await find(wanted)) if wanted else set()
    except (SystemUnavailable, PayloadInvalid, OutboundUnavailable, OutboundRefused):
        existing = set()
    similar = {key: next((other for other in others.get(key, ()) if other in existing), None) for key in keys}
    return [
        msgspec.structs.replace(r, detail=_explained(r.detail, w.record_key, similar[w.record_key]))
        if r.state is WriteState.REFUSED and r.detail in unknown
        else r
        for r, w in zip(results, writes, strict=True)
    ]


def _explained(answer: MessageText, key: str, other: str | None) -> MessageText:
    """The answer with a hint; without one, the answer itself."""
    quoted = quote_key(key)
    if other is not None:
        difference = describe_difference(key, other)
        return messages.SIMILAR_KEY.write(answer=answer, other=quote_key(other), key=quoted, difference=difference)
    if key != unicodedata.normalize("NFC", key):
        return messages.COMBINING_ACCENTS.write(answer=answer, key=quoted)
    return messages.ODD_KEY.write(answer=answer, key=quoted) if quoted != f"“{key}”" else answer
