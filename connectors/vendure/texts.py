"""Names and descriptions of products, per language. The undivided text is that of the channel's default language.

In Vendure these texts belong to the product, not to its variants. A value is keyed by a variant's SKU, so it is written
only where that variant is the product's only one; else two SKUs would claim the same text.
"""

from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any, Final

from canonical.dimensions import part_of
from canonical.elements import DESCRIPTION, NAME
from canonical.keys import ElementKey
from canonical.values import TextValue
from connectors.ports import ChannelReading, ChannelWrite, HttpCaller, WriteResult
from connectors.vendure import outcomes, reasons
from connectors.vendure.lookup import Lookup
from connectors.vendure.messages import (
    TEXTS,
    UPDATE_TEXTS,
    ProductTexts,
    Texts,
    Translation,
    UpdatedTexts,
    VariantTexts,
)
from connectors.vendure.outcomes import UNKNOWN, by_sku, shared_by
from connectors.vendure.session import Facts, VendureSession
from foundation.i18n.messages import NOTHING, MessageText

PARTS: Final = ("locale",)
_FIELDS: Final = {NAME: "name", DESCRIPTION: "description"}


async def push_texts(http: HttpCaller, session: VendureSession, writes: Sequence[ChannelWrite]) -> list[WriteResult]:
    """Write texts. Variants are looked up for every push, as in `variants.push_fields`."""
    facts, found = await _look_up(http, session, [write.record_key for write in writes])
    refused = {i: reason for i, write in enumerate(writes) if (reason := _trouble(write, facts, found))}
    fields = {
        i: (write.record_key, write.element, _language(write.key, facts))
        for i, write in enumerate(writes)
        if i not in refused
    }
    refused |= outcomes.find_clashes(writes, fields)
    newest = outcomes.newest([index for index in fields if index not in refused], writes)
    chosen = [writes[index] for index in newest]
    if not chosen:
        return outcomes.merge(writes, refused, {})
    request = session.query(http, UPDATE_TEXTS, {"input": _inputs(chosen, facts, found)}, UpdatedTexts)
    sent = await outcomes.send(request, chosen)
    return outcomes.merge(writes, refused, dict(zip(newest, sent, strict=True)))


async def read_texts(http: HttpCaller, session: VendureSession, keys: Sequence[ElementKey]) -> list[ChannelReading]:
    facts, found = await _look_up(http, session, [key.record_key for key in keys])
    return [_reading(key, facts, found.get(key.record_key, [])) for key in keys]


async def _look_up(
    http: HttpCaller, session: VendureSession, skus: Sequence[str]
) -> tuple[Facts, dict[str, list[VariantTexts]]]:
    answer, variants = await Lookup(http, session, TEXTS, Texts).find(sorted(set(skus)))
    return await session.facts(http, answer), by_sku(variants)


def _language(key: ElementKey, facts: Facts) -> str:
    """Language code in Vendure's form: de, de_AT, zh_Hans."""
    return part_of(key.dimension, "locale").replace("-", "_") or facts.language


def _trouble(write: ChannelWrite, facts: Facts, found: Mapping[str, Sequence[VariantTexts]]) -> MessageText:
    """Reason why the text cannot be shown; empty when there is none."""
    variants = found.get(write.record_key, ())
    if reason := shared_by(variants) if variants else UNKNOWN:
        return reason
    if reason := _shared_text(variants[0].product):
        return reasons.CHANGE_THERE.write(reason=reason)
    language = _language(write.key, facts)
    if language not in facts.languages:
        return reasons.LANGUAGE_NOT_SHOWN.write(language=language, named=facts.languages)
    if not variants[0].product.translations:
        return reasons.NO_TEXT.write()
    return _value_trouble(write.element, write.value) if isinstance(write.value, TextValue) else NOTHING


def _value_trouble(element: str, value: TextValue) -> MessageText:
    if element == NAME and not value.text.strip():
        return reasons.NO_NAME.write()
    if _shown(element, _stored(element, value)) == value:
        return NOTHING
    if element == NAME:
        return reasons.PLAIN_NAME.write()
    return reasons.PLAIN_TEXT.write()


def _shared_text(product: ProductTexts) -> MessageText:
    count = product.variant_list.total_items
    return NOTHING if count == 1 else reasons.SHARED_TEXT.write(count=count)


def _inputs(
    writes: Sequence[ChannelWrite], facts: Facts, found: Mapping[str, Sequence[VariantTexts]]
) -> list[dict[str, Any]]:
    """One input per product, one translation per language. A new language starts with the texts of the default
    language, which Vendure shows until then: it would show blanks for texts that a new translation omits.
    """
    inputs: dict[str, dict[str, dict[str, Any]]] = {}
    for write in writes:
        if not isinstance(write.value, TextValue):
            continue
        product, language = found[write.record_key][0].product, _language(write.key, facts)
        texts = inputs.setdefault(product.id, {}).setdefault(language, _begin(product, language, facts))
        texts[_FIELDS[write.element]] = _stored(write.element, write.value)
    return [{"id": product_id, "translations": list(each.values())} for product_id, each in inputs.items()]


def _begin(product: ProductTexts, language: str, facts: Facts) -> dict[str, Any]:
    if _translation(product, language) is not None:
        return {"languageCode": language}
    shown = _translation(product, facts.language) or product.translations[0]
    return {"languageCode": language, "name": shown.name, "slug": shown.slug, "description": shown.description}


def _translation(product: ProductTexts, language: str) -> Translation | None:
    return next((each for each in product.translations if each.language_code == language), None)


def _reading(key: ElementKey, facts: Facts, variants: Sequence[VariantTexts]) -> ChannelReading:
    if len(variants) != 1:
        return ChannelReading(key, None, unreadable=shared_by(variants))
    if reason := _shared_text(variants[0].product):
        return ChannelReading(key, None, unreadable=reason)
    language = _language(key, facts)
    shown = _translation(variants[0].product, language)
    if shown is None or language not in facts.languages:
        return ChannelReading(key, None)
    return ChannelReading(key, _shown(key.element, shown.name if key.element == NAME else shown.description))


def _stored(element: str, value: TextValue) -> str:
    """The text in Vendure's form: names are plain, descriptions HTML."""
    return escape(value.text, quote=False) if element == DESCRIPTION and value.format == "plain" else value.text


def _shown(element: str, text: str) -> TextValue:
    """Vendure's text as a value. A description without markup is plain text."""
    if element == NAME:
        return TextValue(text)
    return TextValue(text, "html") if "<" in text else TextValue(unescape(text))
