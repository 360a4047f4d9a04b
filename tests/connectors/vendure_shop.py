"""A Vendure shop in memory with the response formats of the admin API and any settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connectors.ports import ConnectionConfig, HttpResponse
from connectors.vendure.messages import IDS, LOCATIONS, LOGIN, SHOP, TEXTS, UPDATE, UPDATE_TEXTS, VARIANTS

CONFIG = ConnectionConfig("shop", "https://shop.example", {"username": "us"}, {"password": "of a test"})


@dataclass
class Answered:
    """An `HttpResponse`."""

    content: bytes
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: {"vendure-auth-token": "t"})


class NotSoldIn(Exception):
    """The channel does not have this currency."""


@dataclass
class Shop:
    """A shop with variants by id; with `forgets` it reports success and stores nothing."""

    currency: str = "USD"
    precision: int = 2
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    forgets: bool = False
    taxed: bool | None = None
    location: str = "1"
    available: tuple[str, ...] = ()  # besides `currency`
    texts: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)  # by variant, then by language
    languages: tuple[str, ...] = ("en", "de", "zh_Hans")
    siblings: dict[str, int] = field(default_factory=dict)  # variants of the product of a variant, if not one
    locations: dict[str, str] = field(default_factory=lambda: {"1": "Main", "2": "Berlin"})
    channel: str = ""
    asked: list[str] = field(default_factory=list)
    changes: dict[str, str] = field(default_factory=dict)  # by query: the default currency from its response on

    def add(self, variant_id: str, sku: str, **prices: int) -> None:
        self.variants[variant_id] = {"sku": sku, "prices": prices, "stock": {"1": 5, "2": 70}}
        self.texts[variant_id] = {"en": {"name": sku, "slug": sku.lower(), "description": "Good."}}

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> HttpResponse:
        assert (method, url, bool(headers)) == ("POST", "https://shop.example/admin-api", True)
        assert (headers or {}).get("vendure-token", "") == self.channel
        asked = msgspec.json.decode(content or b"")
        self.asked.append(asked["query"])
        try:
            return Answered(msgspec.json.encode({"data": self._answer(asked["query"], asked["variables"])}))
        except NotSoldIn as problem:
            refusal = {"message": f"{problem} is not available", "extensions": {"code": "USER_INPUT_ERROR"}}
            return Answered(msgspec.json.encode({"data": None, "errors": [refusal]}))
        finally:
            self.currency = self.changes.pop(asked["query"], self.currency)

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if query == LOGIN:
            return {"login": {"__typename": "CurrentUser"}}
        facts = {
            "activeChannel": {
                "defaultCurrencyCode": self.currency,
                "pricesIncludeTax": self.taxed,
                "availableCurrencyCodes": [self.currency, *self.available],
                "defaultLanguageCode": self.languages[0],
                "availableLanguageCodes": list(self.languages),
            },
            "globalSettings": {"serverConfig": {"moneyStrategyPrecision": self.precision}},
            "stockLocations": {"items": [{"id": self.location}]},
        }
        if query == SHOP:
            return facts
        if query == LOCATIONS:
            some = list(self.locations.items())[variables["skip"] :][:2]
            items = [{"id": i, "name": name} for i, name in some]
            return {"stockLocations": {"totalItems": len(self.locations), "items": items}}
        if query == UPDATE_TEXTS:
            for product in variables["input"]:
                for new in product["translations"]:
                    known = self.texts[product["id"]].setdefault(new.pop("languageCode"), {})
                    known |= new
            return {"updateProducts": [{"id": product["id"]} for product in variables["input"]]}
        if query == UPDATE:
            return {"updateProductVariants": [self._update(each) for each in variables["input"]]}
        assert query in (IDS, VARIANTS, TEXTS)
        found = [self._shown(i, v) for i, v in sorted(self.variants.items()) if v["sku"] in variables["skus"]]
        return facts | {"productVariants": {"items": found}}

    def _update(self, given: dict[str, Any]) -> dict[str, str]:
        variant = self.variants[given["id"]]
        if unavailable := {p["currencyCode"] for p in given.get("prices", ())} - {self.currency, *self.available}:
            raise NotSoldIn(unavailable.pop())
        if not self.forgets:
            if "price" in given:
                variant["prices"][self.currency] = given["price"]
            for price in given.get("prices", ()):
                variant["prices"][price["currencyCode"]] = price["price"]
            for level in given.get("stockLevels", ()):
                variant["stock"][level["stockLocationId"]] = level["stockOnHand"]
        return {"id": given["id"]}

    def _shown(self, variant_id: str, variant: dict[str, Any]) -> dict[str, Any]:
        texts = [{"languageCode": code} | each for code, each in self.texts[variant_id].items()]
        count = {"totalItems": self.siblings.get(variant_id, 1)}
        return {
            "product": {"id": variant_id, "translations": texts, "variantList": count},
            "id": variant_id,
            "sku": variant["sku"],
            "prices": [{"currencyCode": code, "price": price} for code, price in variant["prices"].items()],
            "stockLevels": [{"stockLocationId": p, "stockOnHand": n} for p, n in variant["stock"].items()],
        }
