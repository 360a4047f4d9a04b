"""Every variant is found and listed, whatever the page sizes, list limits and changes during the reading."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import PRICE, STOCK
from canonical.keys import ElementKey
from connectors.key_hints import quote_key, spellings
from connectors.paging import ListPage, ListProgress, check_page
from connectors.ports import CatalogueSource, ChannelWrite, ConnectionConfig, HttpResponse, WriteState
from connectors.sandbox.market.adapter import SandboxMarket
from connectors.sandbox.shop.adapter import SandboxShop
from connectors.vendure.adapter import Vendure
from connectors.vendure.messages import IDS, LIST, LOGIN, SHOP, UPDATE, VARIANTS
from tests.support.values import minor, pieces

CONFIG = ConnectionConfig(
    "shop", "https://shop.example", {"username": "us"}, {"password": "of a test", "api_key": "of a test"}
)


@dataclass
class Answered:
    """An `HttpResponse`."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"vendure-auth-token": "t"})


@dataclass
class VendureShop:
    """`variants`: SKU by id. `limit`: the shop's own limit of a list; `says`: it refuses a larger limit, or returns
    less.
    """

    variants: dict[int, str]
    limit: int = 1000
    says: bool = True
    totals: bool = True
    folds_case: bool = False
    asked: int = 0
    written: list[str] = field(default_factory=list)

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert (method, url, bool(headers)) == ("POST", "https://shop.example/admin-api", True)
        asked = msgspec.json.decode(content or b"")
        query, variables = asked["query"], asked["variables"]
        take = variables.get("take", 0)
        if take > self.limit and self.says:
            text = f"Cannot take more than {self.limit} results from a list query"
            problem = {"message": text, "extensions": {"code": "USER_INPUT_ERROR"}}
            return Answered(msgspec.json.encode({"data": None, "errors": [problem]}))
        return Answered(msgspec.json.encode({"data": self._data(query, variables)}))

    def _data(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if query == LOGIN:
            return {"login": {"__typename": "CurrentUser"}}
        facts = {
            "activeChannel": {"defaultCurrencyCode": "USD"},
            "globalSettings": {"serverConfig": {"moneyStrategyPrecision": 2}},
            "stockLocations": {"items": [{"id": "1"}]},
        }
        if query == SHOP:
            return facts
        if query == UPDATE:
            self.written += [given["id"] for given in variables["input"]]
            return {"updateProductVariants": [{"id": given["id"]} for given in variables["input"]]}
        assert query in (IDS, VARIANTS, LIST)
        self.asked += 1
        found = sorted(self.variants)
        if query != LIST:
            wanted = {self._form(sku) for sku in variables["skus"]}
            found = [id_ for id_ in found if self._form(self.variants[id_]) in wanted]
        shown = found[variables["skip"] :][: min(variables["take"], self.limit)]
        listed: dict[str, Any] = {"items": [self._shown(id_) for id_ in shown]}
        return facts | {"productVariants": listed | ({"totalItems": len(found)} if self.totals else {})}

    def _form(self, sku: str) -> str:
        return sku.casefold().rstrip() if self.folds_case else sku

    def _shown(self, id_: int) -> dict[str, Any]:
        prices, stock = [{"currencyCode": "USD", "price": 7}], [{"stockLocationId": "1", "stockOnHand": 5}]
        return {"id": str(id_), "sku": self.variants[id_], "prices": prices, "stockLevels": stock}


@dataclass
class PlainShop:
    """The sandbox's shop and market, which list by position and by page."""

    skus: list[str]
    size: int = 50

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert (method, bool(headers), content) == ("GET", True, None)
        parts = urlsplit(url)
        query = {name: int(value) for name, [value] in parse_qs(parts.query).items()}
        if parts.path == "/products":
            shown = self.skus[query["start"] :][: min(query["size"], self.size)]
            more = query["start"] + len(shown) < len(self.skus)
            return Answered(msgspec.json.encode({"skus": shown, "more": more}))
        number = int(parts.path.removeprefix("/catalogue/"))
        shown, end = self.skus[number * self.size :][: self.size], (number + 1) * self.size
        return Answered(msgspec.json.encode({"skus": shown, "following": number + 1 if end < len(self.skus) else 0}))


def prices(*skus: str) -> list[ChannelWrite]:
    return [ChannelWrite(ElementKey(sku, PRICE), minor(700, "USD"), 1, "k") for sku in skus]


TEN = [f"SKU-{n}" for n in range(10)]


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 200, 1000])
@pytest.mark.parametrize("says", [True, False])
async def test_variants_that_share_a_sku_hide_no_other(limit: int, says: bool) -> None:  # noqa: FBT001 - a parameter
    shop = VendureShop(dict.fromkeys(range(220), "N/A") | {300 + n: sku for n, sku in enumerate(TEN)}, limit, says)
    results = await Vendure().push(shop, CONFIG, prices("N/A", *TEN))
    assert [result.state for result in results] == [WriteState.REFUSED, *[WriteState.ACCEPTED] * 10]
    assert "variants have this SKU" in results[0].detail
    assert set(shop.written) == {str(300 + n) for n in range(10)}
    readings = await Vendure().read(shop, CONFIG, [ElementKey(sku, STOCK) for sku in ["N/A", *TEN]])
    assert [reading.value for reading in readings] == [None, *[pieces(5)] * 10]
    assert shop.asked < 150


async def test_a_usual_batch_needs_one_lookup() -> None:
    shop = VendureShop(dict(enumerate(TEN)))
    await Vendure().push(shop, CONFIG, prices(*TEN))
    assert shop.asked == 1


async def test_a_shop_that_compares_loosely_does_not_hide_the_exact_sku() -> None:
    variants = {n: f"sku-1{' ' * n}" for n in range(1, 500)} | {900: "SKU-1"}
    shop = VendureShop(variants, folds_case=True)
    [result] = await Vendure().push(shop, CONFIG, prices("SKU-1"))
    assert (result.state, shop.written) == (WriteState.ACCEPTED, ["900"])


@pytest.mark.parametrize("limit", [1, 2, 3, 100, 200, 1000])
@pytest.mark.parametrize("says", [True, False])
async def test_a_list_is_complete_under_any_limit_of_the_shop(limit: int, says: bool) -> None:  # noqa: FBT001
    shop = VendureShop({n: f"SKU-{n}" for n in range(450)}, limit, says)
    assert await list_all(Vendure(), shop) == {f"SKU-{n}" for n in range(450)}


async def test_variants_without_a_sku_are_counted() -> None:
    shop = VendureShop({1: "A", 2: "", 3: "B", 4: ""})
    page = await Vendure().list_keys(shop, CONFIG, "")
    assert (page.keys, page.unkeyed, page.total, page.more) == (["A", "B"], 2, 4, False)


async def test_pages_of_variants_that_share_a_sku_are_no_endless_list() -> None:
    assert await list_all(Vendure(), VendureShop(dict.fromkeys(range(5000), "N/A"))) == {"N/A"}


@pytest.mark.parametrize(
    "shop", [VendureShop(dict.fromkeys(range(5000), "") | {6000: "A"}), PlainShop([""] * 900 + ["A"])]
)
async def test_pages_of_records_without_a_key_are_no_endless_list(shop: VendureShop | PlainShop) -> None:
    source = Vendure() if isinstance(shop, VendureShop) else SandboxShop()
    assert await list_all(source, shop) == {"A"}


async def list_all(source: CatalogueSource, shop: Any, between: dict[int, Any] | None = None) -> set[str]:
    """All listed keys. `between` is called before each page with its number."""
    found: set[str] = set()
    cursor, progress = "", ListProgress()
    for n in range(2000):
        if between and n in between:
            between[n]()
        page = await source.list_keys(shop, CONFIG, cursor)
        found |= set(page.keys)
        step = check_page(
            progress, ListPage(cursor, page.cursor, page.more, page.records, None, page.total, page.identity)
        )
        assert not step.trouble
        if not page.more:
            return found
        cursor, progress = page.cursor, step.progress
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("gone", [(0, 1), (198, 199), (10, 150), tuple(range(100)), tuple(range(200))])
@pytest.mark.parametrize("totals", [True, False])
async def test_variants_removed_earlier_in_the_list_hide_no_later_ones(
    gone: tuple[int, ...],
    totals: bool,  # noqa: FBT001 - a parameter
) -> None:
    shop = VendureShop({n: f"SKU-{n}" for n in range(450)}, totals=totals)

    def remove() -> None:
        for n in gone:
            del shop.variants[n]

    found = await list_all(Vendure(), shop, {1: remove})
    assert found >= {f"SKU-{n}" for n in range(450) if n not in gone}


@pytest.mark.parametrize("adapter", [SandboxShop, SandboxMarket])
@given(data=st.data())
async def test_variants_that_exist_throughout_are_listed(adapter: Any, data: st.DataObject) -> None:
    """Records are removed and added anywhere between pages, a few at a time."""
    shop = PlainShop([f"S{n}" for n in range(220)])
    always = set(shop.skus)
    changes = data.draw(
        st.dictionaries(st.integers(1, 5), st.lists(st.integers(0, 219), max_size=8, unique=True), max_size=3)
    )

    def change(numbers: list[int]) -> None:
        for number in numbers:
            if f"S{number}" in shop.skus:
                shop.skus.remove(f"S{number}")
                always.discard(f"S{number}")

    found = await list_all(
        adapter(), shop, {n: (lambda numbers=numbers: change(numbers)) for n, numbers in changes.items()}
    )
    assert found >= always


@pytest.mark.parametrize("adapter", [SandboxShop, SandboxMarket])
@pytest.mark.parametrize("gone", [49, 60, 120, 150])
async def test_removing_more_than_a_page_hides_no_later_variant(adapter: Any, gone: int) -> None:
    shop = PlainShop([f"S{n}" for n in range(300)])

    def remove() -> None:
        del shop.skus[:gone]

    assert await list_all(adapter(), shop, {3: remove}) >= {f"S{n}" for n in range(gone, 300)}


@pytest.mark.parametrize("shared", ["", "N/A"])
async def test_records_that_share_an_id_hide_none_that_follows(shared: str) -> None:
    """Ten records are removed, and some of the records around the page boundary share an id."""
    skus = [f"S{n}" for n in range(40)] + [shared] * 30 + [f"T{n}" for n in range(60)] + [shared] * 30
    shop = PlainShop(skus, size=50)

    def remove() -> None:
        del shop.skus[:10]

    found = await list_all(SandboxShop(), shop, {1: remove})
    assert found >= {f"T{n}" for n in range(60)}


@pytest.mark.parametrize("cursor", ["200", "", "[1", "{}", '["x"]', "9" * 30])
async def test_a_position_of_another_form_begins_the_list_again(cursor: str) -> None:
    page = await Vendure().list_keys(VendureShop({1: "A"}), CONFIG, cursor)
    assert (page.keys, page.more) == (["A"], False)


NFC, NFD = unicodedata.normalize("NFC", "Café-1"), unicodedata.normalize("NFD", "Café-1")


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("SKU-1 ", "SKU-1", "“SKU-1␣” only in a space"), ("SKU-1", "SKU-1 ", "The channel has “SKU-1␣”"),
        (" SKU-1", "SKU-1", "a space"), ("SKU  1", "SKU 1", "a space"), (NFC, NFD, "Unicode NFC and NFD"),
        (NFD, NFC, "Unicode NFC and NFD"), ("SKU-1", "sku-1", "upper and lower case"),
        ("SKU\u200b-1", "SKU-1", "cannot be seen"),
    ],
)  # fmt: skip
async def test_an_unknown_sku_is_explained_by_a_similar_one(ours: str, theirs: str, said: str) -> None:
    [result] = await Vendure().push(VendureShop({1: theirs}), CONFIG, prices(ours))
    assert result.state is WriteState.REFUSED
    assert "no variant with this SKU" in result.detail
    assert said in result.detail
    assert quote_key(theirs) in result.detail


async def test_an_unknown_sku_is_explained_only_by_a_similar_or_unusual_one() -> None:
    plain, blank = await Vendure().push(VendureShop({1: "B"}), CONFIG, prices("A", "C "))
    assert plain.detail.endswith("unmap the record.")
    assert "“C␣”, with spaces at its ends" in blank.detail


@given(st.text(max_size=20))
def test_similar_spellings_do_not_include_the_key(key: str) -> None:
    found = spellings(key)
    assert key not in found
    assert len(found) == len(set(found)) <= 20
    assert quote_key(key)[0] + quote_key(key)[-1] == "“”"


async def test_a_variant_on_which_the_shop_fails_leaves_its_neighbours_readable() -> None:
    class Stumbling(VendureShop):
        def _data(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
            if "SKU-3" in variables.get("skus", ()):
                raise LookupError
            return super()._data(query, variables)

        async def request(self, *given: Any, **named: Any) -> HttpResponse:
            try:
                return await super().request(*given, **named)
            except LookupError:
                error = {"message": "no price", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
                return Answered(msgspec.json.encode({"data": None, "errors": [error]}))

    readings = await Vendure().read(Stumbling(dict(enumerate(TEN))), CONFIG, [ElementKey(sku, STOCK) for sku in TEN])
    assert [r.record_key for r in readings if not r.answered] == ["SKU-3"]
    assert {r.value for r in readings if r.answered} == {pieces(5)}
