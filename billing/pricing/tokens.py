"""Tokens of one answer of a model: each provider's counts as parts that add up, and their cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from billing.pricing.charges import PriceMissing
from billing.pricing.numbers import decimal, exact, total


class TokenFormat(StrEnum):
    """Provider of a usage object. Providers differ in which counts contain others."""

    OPENAI_CHAT = "openai_chat"
    """Also the format of Azure and Mistral."""
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"


class Tokens(msgspec.Struct, frozen=True):
    """Parts without overlap: `input` was not cached, `cached` was read from a cache, `cache_write` stored in one;
    `output` is without `reasoning`.
    """

    input: int = 0
    cached: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0

    @property
    def all(self) -> int:
        return self.input + self.cached + self.cache_write + self.output + self.reasoning


class ModelPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Prices of a million tokens of a model from `valid_from` until `valid_to`; None for a part that has no price."""

    model: str
    valid_from: datetime
    valid_to: datetime | None = None
    input: Decimal | None = None
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    output: Decimal | None = None
    reasoning: Decimal | None = None


class UnknownUsage(ValueError):
    """The usage object lacks its totals, or contradicts itself. The usage is held, never counted as 0."""


_PER: Final = 1_000_000
_PARTS: Final = ("input", "cached", "cache_write", "output", "reasoning")


def read_tokens(form: TokenFormat, usage: Mapping[str, object]) -> Tokens:
    """The parts of a usage object; of a stream, of its last one.

    Raises:
        UnknownUsage: see there.
    """
    match form:
        case TokenFormat.OPENAI_CHAT:
            return _subsets(usage, "prompt_tokens", "completion_tokens")
        case TokenFormat.OPENAI_RESPONSES:
            return _subsets(usage, "input_tokens", "output_tokens")
        case TokenFormat.ANTHROPIC:  # all counts of the input add up; reasoning is inside the output
            return Tokens(
                _count(usage, "input_tokens", required=True), _count(usage, "cache_read_input_tokens"),
                _count(usage, "cache_creation_input_tokens"), _count(usage, "output_tokens", required=True),
            )  # fmt: skip
        case TokenFormat.GOOGLE:  # cached tokens are part of the prompt; those of tools and thoughts are not
            prompt, cached = _count(usage, "promptTokenCount", required=True), _count(usage, "cachedContentTokenCount")
            return Tokens(
                _rest(prompt, cached) + _count(usage, "toolUsePromptTokenCount"), cached, 0,
                _count(usage, "candidatesTokenCount"), _count(usage, "thoughtsTokenCount"),
            )  # fmt: skip


def _subsets(usage: Mapping[str, object], prompt: str, answer: str) -> Tokens:
    """Cached and reasoning tokens are contained in the two totals."""
    cached = _count(_details(usage, f"{prompt}_details"), "cached_tokens")
    reasoning = _count(_details(usage, f"{answer}_details"), "reasoning_tokens")
    asked, answered = _count(usage, prompt, required=True), _count(usage, answer, required=True)
    return Tokens(_rest(asked, cached), cached, 0, _rest(answered, reasoning), reasoning)


def _details(usage: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = usage.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(usage: Mapping[str, object], name: str, *, required: bool = False) -> int:
    found = usage.get(name)
    if found is None and not required:
        return 0
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise UnknownUsage(f"{name} is {found!r}")
    return found


def _rest(whole: int, part: int) -> int:
    if part > whole:
        raise UnknownUsage(f"a part of {part} in a total of {whole}")
    return whole - part


def cost_of_tokens(prices: Sequence[ModelPrice], model: str, tokens: Tokens, at: datetime) -> Decimal:
    """Cost of the tokens by the model's price at the time, exact. Without a price of its own, reasoning is priced as
    output.

    Raises:
        PriceMissing: the model, or a part that has tokens, has no price: the cost is unknown, never 0.
    """
    price = next((one for one in prices if one.model == model and _holds(one, at)), None)
    if price is None:
        raise PriceMissing(f"no price for {model}")
    costs = []
    for part in _PARTS:
        count: int = getattr(tokens, part)
        rate: Decimal | None = getattr(price, part)
        if part == "reasoning" and rate is None:
            rate = price.output
        if count and rate is None:
            raise PriceMissing(f"no price for {part} tokens of {model}")
        costs.append(count * exact(rate or 0) / _PER)
    return decimal(total(costs))


def _holds(price: ModelPrice, at: datetime) -> bool:
    return price.valid_from <= at and (price.valid_to is None or at < price.valid_to)
