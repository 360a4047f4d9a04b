"""Product texts per language: on a shop in memory with unusual settings, and on a real Vendure."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.dimensions import dimension
from canonical.elements import DESCRIPTION, NAME
from canonical.keys import ElementKey
from canonical.values import TextValue
from connectors.ports import ChannelReading, ChannelWrite, WriteResult, WriteState
from connectors.vendure.adapter import Vendure
from tests.connectors.running import PlainCaller
from tests.connectors.vendure_shop import CONFIG, Shop
from tests.real.vendure import RunningVendure

ACCEPTED, REFUSED = WriteState.ACCEPTED, WriteState.REFUSED


def key(element: str, locale: str = "", sku: str = "SKU-1") -> ElementKey:
    return ElementKey(sku, element, dimension(locale=locale) if locale else "")


def write(key: ElementKey, text: str, form: Literal["plain", "html"] = "plain") -> ChannelWrite:
    return ChannelWrite(key, TextValue(text, form), 1, f"{key}")


async def push(shop: Shop, *writes: ChannelWrite) -> list[WriteResult]:
    return await Vendure().push(shop, CONFIG, writes)


async def read(shop: Shop, *keys: ElementKey) -> list[ChannelReading]:
    return await Vendure().read(shop, CONFIG, keys)


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.add("7", "SKU-1", USD=1000)
    made.add("8", "SKU-2", USD=2000)
    return made


async def test_each_language_is_written_separately(shop: Shop) -> None:
    keys = [key(NAME), key(NAME, "de"), key(DESCRIPTION, "zh-Hans")]
    results = await push(shop, *[write(each, text) for each, text in zip(keys, ["Cup", "Tasse", "杯"], strict=True)])
    assert [r.state for r in results] == [ACCEPTED] * 3
    assert [r.value for r in await read(shop, *keys)] == [TextValue("Cup"), TextValue("Tasse"), TextValue("杯")]
    assert shop.texts["7"] == {
        "en": {"name": "Cup", "slug": "sku-1", "description": "Good."},
        "de": {"name": "Tasse", "slug": "sku-1", "description": "Good."},
        "zh_Hans": {"name": "SKU-1", "slug": "sku-1", "description": "杯"},
    }, "a new language begins with what was shown until then"


async def test_an_unsupported_language_is_refused_with_a_remedy(shop: Shop) -> None:
    shop.texts["7"]["fr"] = {"name": "Tasse", "slug": "tasse", "description": ""}
    refused, accepted = await push(shop, write(key(NAME, "fr"), "Mug"), write(key(NAME, "de"), "Becher"))
    assert (refused.state, accepted.state) == (REFUSED, ACCEPTED)
    assert "the language fr, only in en, de, zh_Hans. Add it there" in refused.detail
    assert [r.value for r in await read(shop, key(NAME, "fr"), key(NAME, "de-AT"))] == [None, None]


async def test_a_text_that_several_variants_share_is_written_for_none(shop: Shop) -> None:
    shop.siblings["7"] = 3
    refused, accepted = await push(shop, write(key(NAME), "Cup"), write(key(NAME, sku="SKU-2"), "Mug"))
    assert (refused.state, accepted.state) == (REFUSED, ACCEPTED)
    assert "3 variants in Vendure, which share one name" in refused.detail
    [reading] = await read(shop, key(NAME))
    assert (reading.value, "3 variants" in reading.unreadable) == (None, True)
    assert shop.texts["7"]["en"]["name"] == "SKU-1"


async def test_variants_that_share_a_sku_and_unknown_ones_are_refused(shop: Shop) -> None:
    shop.add("9", "SKU-1")
    results = await push(shop, write(key(NAME), "Cup"), write(key(NAME, sku="NONE"), "Cup"))
    assert [r.state for r in results] == [REFUSED, REFUSED]
    assert "2 variants have this SKU" in results[0].detail
    assert "no variant with this SKU" in results[1].detail
    assert [(r.value, bool(r.unreadable)) for r in await read(shop, key(NAME), key(NAME, sku="NONE"))] == [
        (None, True), (None, False),
    ]  # fmt: skip


async def test_the_undivided_text_and_that_of_the_default_language_are_one_field(shop: Shop) -> None:
    results = await push(shop, write(key(NAME), "Cup"), write(key(NAME, "en"), "Mug"))
    assert [r.state for r in results] == [REFUSED, REFUSED]
    results = await push(shop, write(key(NAME), "Cup"), write(key(NAME, "en"), "Cup"))
    assert [r.state for r in results] == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize(
    ("element", "text", "form"),
    [(NAME, "<b>Cup</b>", "html"), (NAME, " ", "plain"), (DESCRIPTION, "Fish &amp; chips", "html")],
)
async def test_a_text_that_could_not_be_read_back_is_refused(
    shop: Shop, element: str, text: str, form: Literal["plain", "html"]
) -> None:
    before = str(shop.texts)
    [result] = await push(shop, write(key(element, "de"), text, form))
    assert (result.state, str(shop.texts)) == (REFUSED, before)


@given(
    element=st.sampled_from([NAME, DESCRIPTION]),
    text=st.text(st.characters(codec="utf-8"), min_size=1) | st.text("<>&;#ampltgb/ ", min_size=1),
    form=st.sampled_from(["plain", "html"]),
)
async def test_accepted_values_are_read_back_unchanged(element: str, text: str, form: Literal["plain", "html"]) -> None:
    shop = Shop()
    shop.add("7", "SKU-1")
    [result] = await push(shop, write(key(element), text, form))
    [reading] = await read(shop, key(element))
    assert (reading.value == TextValue(text, form)) is (result.state is ACCEPTED)
    assert result.state is ACCEPTED or form == "html" or not text.strip()
    if element == DESCRIPTION and form == "plain":
        assert "<" not in shop.texts["7"]["en"]["description"], "plain text never becomes markup"


@pytest.mark.real
@pytest.mark.timeout(900)
async def test_a_shopper_reads_the_texts_of_three_languages(real_shop: RunningVendure, caller: PlainCaller) -> None:
    adapter, config = Vendure(), real_shop.connection()
    texts = {"": ("Cup", "For tea & milk"), "de": ("Tasse", "<p>Für Tee</p>"), "fr": ("Tasse à thé", "Pour le thé")}
    writes = []
    for locale, (name, description) in texts.items():
        writes.append(write(key(NAME, locale, "SKU-014"), name))
        writes.append(
            write(key(DESCRIPTION, locale, "SKU-014"), description, "html" if "<" in description else "plain")
        )
    results = await adapter.push(caller, config, writes)
    assert [r.state for r in results] == [ACCEPTED] * 6
    readings = await adapter.read(caller, config, [each.key for each in writes])
    assert [r.value for r in readings] == [each.value for each in writes]
    shown = {locale: real_shop.shopper_texts("SKU-014", locale or "en") for locale in texts}
    assert shown == texts | {"": ("Cup", "For tea &amp; milk")}
    slugs = {each["slug"] for each in real_shop.variant("SKU-014")["product"]["translations"]}
    assert slugs == {"sku-014"}, "addresses of pages stay"


@pytest.mark.real
@pytest.mark.timeout(900)
async def test_one_text_in_a_new_language_leaves_the_other_as_shoppers_saw_it(
    real_shop: RunningVendure, caller: PlainCaller
) -> None:
    adapter, config = Vendure(), real_shop.connection()
    await adapter.push(caller, config, [write(key(DESCRIPTION, "", "SKU-015"), "Strong.")])
    [result] = await adapter.push(caller, config, [write(key(DESCRIPTION, "fr", "SKU-015"), "Solide.")])
    assert result.state is ACCEPTED
    assert real_shop.shopper_texts("SKU-015", "fr") == ("Widget 15", "Solide.")
    assert real_shop.shopper_texts("SKU-015", "en") == ("Widget 15", "Strong.")


@pytest.mark.real
@pytest.mark.timeout(900)
async def test_a_product_with_two_variants_keeps_its_texts(real_shop: RunningVendure, caller: PlainCaller) -> None:
    _make_pair(real_shop, "PAIR-1", "PAIR-2")
    [refused] = await Vendure().push(caller, real_shop.connection(), [write(key(NAME, "de", "PAIR-2"), "Tasse")])
    assert (refused.state, "2 variants" in refused.detail) == (REFUSED, True)
    assert real_shop.shopper_texts("PAIR-1", "de")[0] == "Pair"


def _make_pair(shop: RunningVendure, *skus: str) -> None:
    """Create a product with a variant for each SKU, as an administrator does."""
    texts = [{"languageCode": "en", "name": "Pair", "slug": "pair", "description": ""}]
    create = "mutation ($i: CreateProductInput!) { createProduct(input: $i) { id } }"
    product = shop.administer(create, i={"translations": texts})["createProduct"]["id"]
    group = {
        "code": "size", "translations": [{"languageCode": "en", "name": "Size"}],
        "options": [{"code": sku, "translations": [{"languageCode": "en", "name": sku}]} for sku in skus],
    }  # fmt: skip
    make = "mutation ($i: CreateProductOptionGroupInput!) { createProductOptionGroup(input: $i) { id options { id } } }"
    made = shop.administer(make, i=group)["createProductOptionGroup"]
    link = "mutation ($p: ID!, $g: ID!) { addOptionGroupToProduct(productId: $p, optionGroupId: $g) { id } }"
    shop.administer(link, p=product, g=made["id"])
    variants = [
        {"productId": product, "sku": sku, "price": 100, "optionIds": [option["id"]],
         "translations": [{"languageCode": "en", "name": sku}]}
        for sku, option in zip(skus, made["options"], strict=True)
    ]  # fmt: skip
    shop.administer(
        "mutation ($i: [CreateProductVariantInput!]!) { createProductVariants(input: $i) { id } }", i=variants
    )
