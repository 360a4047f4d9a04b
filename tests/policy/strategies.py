"""Random policies and requests over small alphabets, so that rules often match requests."""

from dataclasses import dataclass

from hypothesis import strategies as st

from policy.conditions import Fact
from policy.rules import ANY_TENANT, ANYONE, Effect, PolicyOutcome, PolicyRule, RuleKind, role_rule

TENANTS = ("t1", "t2")
NAMES = ("ann", "bob", "buyer", "lead", "boss")
OBJECTS = ("price.list", "stock.on_hand")
NUMBERS = ("a", "b")
TEXTS = ("s", "t")
UNTYPED = ("x", "y")

_fact_of_number = st.sampled_from([f"r.ctx.{name}" for name in NUMBERS])
_fact_of_text = st.sampled_from([f"r.ctx.{name}" for name in TEXTS])
_untyped = st.sampled_from([f"r.ctx.{name}" for name in UNTYPED])
_small = st.integers(-3, 3)
_word = st.sampled_from(["EUR", "USD", "x y", ""])

_number = st.recursive(
    _fact_of_number | _small.map(str),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
        | inner.map(lambda n: f"abs({n})")
        | inner.map(lambda n: f"-({n})")
    ),
    max_leaves=3,
)
_comparison = st.one_of(
    st.tuples(_number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), _number).map(" ".join),
    st.tuples(_number, _number, _number).map(lambda p: f"{p[0]} <= {p[1]} < {p[2]}"),
    st.tuples(_fact_of_text, st.sampled_from(["==", "!="]), _word.map(repr)).map(" ".join),
    st.tuples(_fact_of_text, st.sampled_from(["in", "not in"]), st.lists(_word, min_size=1, max_size=2)).map(
        lambda p: f"{p[0]} {p[1]} {p[2]!r}"
    ),
    st.tuples(_number, st.lists(_small, min_size=1, max_size=2)).map(lambda p: f"{p[0]} in {tuple(p[1])!r}"),
    st.tuples(_untyped, st.sampled_from(["==", "!="]), _untyped).map(" ".join),
    st.sampled_from(["True", "False"]),
)
conditions = st.just("") | st.recursive(
    _comparison,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
        | inner.map(lambda c: f"not ({c})")
    ),
    max_leaves=3,
)

_fine: st.SearchStrategy[Fact] = _small | st.fractions(-9, 9, max_denominator=4).filter(lambda n: n.denominator > 1)
"""Facts that include amounts finer than a minor unit."""
_fact: st.SearchStrategy[Fact] = _fine | _word | st.booleans()
facts = st.one_of(
    st.fixed_dictionaries(dict.fromkeys(NUMBERS, _fine) | dict.fromkeys(TEXTS, _word) | dict.fromkeys(UNTYPED, _fine)),
    st.dictionaries(st.sampled_from(NUMBERS + TEXTS + UNTYPED), _fact, max_size=6),
)

subjects = st.sampled_from([*NAMES, "nobody"]) | st.lists(st.sampled_from(NAMES), max_size=2).map(tuple)
_domains = st.sampled_from([*TENANTS, ANY_TENANT])


@st.composite
def _line(draw: st.DrawFn, position: int) -> PolicyRule:
    kind = draw(st.sampled_from([RuleKind.GOVERNANCE, RuleKind.GOVERNANCE, RuleKind.PERMISSION, RuleKind.ROLE]))
    if kind is RuleKind.ROLE:
        member, role = draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES))
        return role_rule(id=f"g{position}", member=member, role=role, dom=draw(_domains))
    governs = kind is RuleKind.GOVERNANCE
    return PolicyRule(
        id=f"{kind}-{position}",
        ptype=kind,
        sub=draw(st.sampled_from([*NAMES, ANYONE, ANYONE] if governs else NAMES)),
        dom=draw(_domains),
        obj=draw(st.sampled_from(OBJECTS)),
        act=draw(st.sampled_from([outcome.value for outcome in PolicyOutcome] if governs else ["read", "review"])),
        condition=draw(conditions),
        effect=draw(st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY])),
        description=f"rule {position}",
    )


@dataclass(frozen=True)
class Request:
    tenant_id: str
    subjects: str | tuple[str, ...]
    obj: str
    act: str
    ctx: dict[str, Fact]


requests = st.builds(
    Request,
    tenant_id=st.sampled_from(TENANTS),
    subjects=subjects,
    obj=st.sampled_from([*OBJECTS, "unheard.of"]),
    act=st.sampled_from(["read", "review", "unheard"]),
    ctx=facts,
)


@st.composite
def rule_sets(draw: st.DrawFn) -> list[PolicyRule]:
    count = draw(st.integers(0, 9))
    return [draw(_line(position)) for position in range(count)]
