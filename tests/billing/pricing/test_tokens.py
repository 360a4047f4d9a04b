"""Tokens: each provider's counts that are part of another count, and those in addition."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.pricing.charges import PriceMissing
from billing.pricing.tokens import ModelPrice, TokenFormat, Tokens, UnknownUsage, cost_of_tokens, read_tokens

AT = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "usage", "expected"),
    [
        ("openai_chat", {"prompt_tokens": 100, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 30},
                         "completion_tokens_details": {"reasoning_tokens": 20}}, Tokens(70, 30, 0, 30, 20)),
        ("openai_chat", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None},
         Tokens(9, 0, 0, 1)),
        ("openai_responses", {"input_tokens": 100, "output_tokens": 50, "input_tokens_details": {"cached_tokens": 100}},
         Tokens(0, 100, 0, 50)),
        ("anthropic", {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 90,
                       "cache_creation_input_tokens": 7}, Tokens(10, 90, 7, 5)),
        ("google", {"promptTokenCount": 100, "cachedContentTokenCount": 40, "toolUsePromptTokenCount": 8,
                    "candidatesTokenCount": 30, "thoughtsTokenCount": 12}, Tokens(68, 40, 0, 30, 12)),
    ],
)  # fmt: skip
def test_parts_add_up_without_overlap(form: str, usage: dict[str, Any], expected: Tokens) -> None:
    assert read_tokens(TokenFormat(form), usage) == expected


@pytest.mark.parametrize(
    ("form", "usage"),
    [("openai_chat", {}), ("anthropic", {"input_tokens": 1}), ("google", {"candidatesTokenCount": 4}),
     ("openai_chat", {"prompt_tokens": -1, "completion_tokens": 1}),
     ("openai_chat", {"prompt_tokens": True, "completion_tokens": 1}),
     ("google", {"promptTokenCount": 1, "cachedContentTokenCount": 2})],
)  # fmt: skip
def test_usage_that_is_not_known_is_never_zero(form: str, usage: dict[str, Any]) -> None:
    with pytest.raises(UnknownUsage):
        read_tokens(TokenFormat(form), usage)


def test_the_cost_is_exact_and_an_unknown_price_is_refused() -> None:
    later = AT + timedelta(days=1)
    prices = [
        ModelPrice(
            model="m", valid_from=AT, valid_to=later, input=Decimal(2), cached=Decimal("0.2"), output=Decimal(8)
        ),
        ModelPrice(model="m", valid_from=later, input=Decimal(1), output=Decimal(4), reasoning=Decimal(5)),
    ]
    used = Tokens(1_000_000, 500_000, 0, 250_000, 250_000)
    assert cost_of_tokens(prices, "m", used, AT) == Decimal("6.1")
    without_cached = Tokens(3, 0, 0, 1, 1)
    assert cost_of_tokens(prices, "m", without_cached, later) == Decimal("0.000012")
    for model, tokens, at in (("other", used, AT), ("m", used, later), ("m", without_cached, AT - timedelta(days=1))):
        with pytest.raises(PriceMissing):
            cost_of_tokens(prices, model, tokens, at)
