"""Initial goods of every sandbox system. The real systems of the tests are seeded with the same list."""

from canonical.money import Money, minor_exponent

MAX_SKUS = 200_000


def sku_of(index: int) -> str:
    return f"SKU-{index:03}"


def title_of(index: int) -> str:
    return f"Widget {index}"


def list_price(index: int, currency: str) -> Money:
    return Money((10 + index) * 10 ** minor_exponent(currency), currency)


def cost_price(currency: str) -> Money:
    return Money(5 * 10 ** minor_exponent(currency), currency)


STOCK_ON_HAND = 100
