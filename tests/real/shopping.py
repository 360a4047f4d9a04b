"""A shopper of the real Vendure shop, with a cart and payments."""

from collections.abc import Mapping
from typing import Any, Final

from tests.real.vendure import RunningVendure

_STEPS: Final = (
    (
        "setCustomerForOrder",
        'input: {firstName: "Ada", lastName: "Lovelace", emailAddress: "ada@example.com"}',
    ),
    ("setOrderShippingAddress", 'input: {fullName: "Ada Lovelace", streetLine1: "1 Road", countryCode: "US"}'),
    ("setOrderShippingMethod", "shippingMethodId: [1]"),
    ("transitionOrderToState", 'state: "ArrangingPayment"'),
)


class Cart:
    """A shopper's cart, ready for payment."""

    def __init__(
        self, shop: RunningVendure, lines: Mapping[str, int], *, coupon: str = "", currency: str = "USD"
    ) -> None:
        self.shop, self.currency, self.session = shop, currency, dict[str, str]()
        for sku, quantity in lines.items():
            self._do("addItemToOrder", f'productVariantId: "{shop.variant(sku)["id"]}", quantity: {quantity}')
        if coupon:
            self._do("applyCouponCode", f'couponCode: "{coupon}"')
        for step, given in _STEPS:
            self._do(step, given)

    def pay(self, method: str = "paid") -> str:
        """Pay the cart; returns the order's code. `method` is "paid", or "authorized" for a payment that is settled
        later.
        """
        return str(self._do("addPaymentToOrder", f'input: {{method: "{method}", metadata: {{}}}}')["code"])

    def _do(self, step: str, given: str) -> dict[str, Any]:
        query = f"mutation {{ done: {step}({given}) {{ ... on Order {{ code }} ... on ErrorResult {{ message }} }} }}"
        done: dict[str, Any] = self.shop.ask_as_shopper(query, self.session, currency=self.currency)["done"]
        if "message" in done:
            raise RuntimeError(f"The shop refused: {done['message']}")
        return done


def order_state(shop: RunningVendure, code: str) -> str:
    """The order's state, as an administrator sees it."""
    query = "query ($c: String!) { orders(options: {filter: {code: {eq: $c}}}) { items { state } } }"
    [found] = shop.administer(query, c=code)["orders"]["items"]
    return str(found["state"])


def cancel_order(shop: RunningVendure, code: str) -> None:
    """Cancel all of an order, as an administrator."""
    query = "query ($c: String!) { orders(options: {filter: {code: {eq: $c}}}) { items { id } } }"
    [found] = shop.administer(query, c=code)["orders"]["items"]
    cancel = "mutation ($i: CancelOrderInput!) { cancelOrder(input: $i) { __typename } }"
    shop.administer(cancel, i={"orderId": found["id"], "cancelShipping": True})
