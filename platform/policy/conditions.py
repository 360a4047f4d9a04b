"""Conditions of rules: a small typed language over the request's facts, compiled once and evaluated in about 0.1 µs.

`r.ctx.change_bp <= 500 and r.ctx.currency in ('EUR', 'USD')`: facts are strings or numbers (minor units, basis points,
pieces). Numbers are integers, or fractions where an amount is finer than a minor unit; both compute without rounding.
Comparisons, and/or/not, + - *, abs() and membership in a list of constants; nothing else parses.

A condition is *decidable* when every named fact is present and of the type that its use requires. This is checked
before evaluation, in the index and in Casbin's text alike, so a condition can never raise and its order never matters.
"""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

from simpleeval import DISALLOW_METHODS  # type: ignore[import-untyped]

from foundation.marks import N_
from policy.errors import InvalidRule

Fact = int | Fraction | str
Facts = Mapping[str, Fact]
Test = Callable[[Facts], bool]
FactType = Literal["int", "str", "any"]

_NUMBERS: Final = (int, Fraction)
_SCALARS: Final = (int, str, Fraction)
MAX_LENGTH: Final = 500
MAX_NODES: Final = 200  # of the syntax tree; `r.ctx.a` has six
MAX_INTEGER: Final = 10**15

_FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
# pycasbin rewrites a rule's text before it parses it: `!`, `&&`, `||`, and `r.` or `p.` at a word's start. A string
# with these would change its meaning there.
_STRING = re.compile(r"[\w \-:/@+.]{0,80}")
_REWRITTEN = re.compile(r"\b[rp]\d*\.")
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult)
_ORDERINGS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EQUALITIES = (ast.Eq, ast.NotEq)
_MEMBERSHIPS = (ast.In, ast.NotIn)


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition. `text` is the normal form; an empty one always holds. `facts` are the facts it names, with
    their types.
    """

    text: str
    facts: tuple[tuple[str, FactType], ...]

    def casbin_text(self, *, tightens: bool) -> str:
        """The expression for Casbin's eval(), including the decidability check."""
        if not self.facts:
            return self.text or "True"
        known = f"decidable(r.ctx, '{self.signature}')"
        return f"not {known} or ({self.text})" if tightens else f"{known} and ({self.text})"

    @property
    def signature(self) -> str:
        return " ".join(f"{name}:{kind}" for name, kind in self.facts)

    def missing(self, facts: Facts) -> list[str]:
        """Names of the facts that are absent or of another type; empty if the condition can be evaluated."""
        return [name for name, kind in self.facts if not _fits(facts.get(name), kind)]


def _fits(value: object, kind: str) -> bool:
    # Exact types: True is no integer here, and subclasses may override comparisons.
    return type(value) in (_NUMBERS if kind == "int" else (str,) if kind == "str" else _SCALARS)


def decidable(facts: Facts, signature: str) -> bool:
    """Whether the facts match the signature. Registered with Casbin under the same name."""
    return all(_fits(facts.get(name), kind) for name, _, kind in (field.partition(":") for field in signature.split()))


def parse_condition(source: str) -> Condition:
    """Parse and check `source`.

    Raises:
        InvalidRule: with the place and the reason.
    """
    if not source.strip():
        return Condition("", ())
    if len(source) > MAX_LENGTH:
        raise InvalidRule(
            N_("A condition has at most {most} characters; this one has {number}. Split the rule."),
            params={"most": MAX_LENGTH, "number": len(source)},
        )
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        raise InvalidRule(
            N_("The condition “{condition}” is not an expression: {problem}."),
            params={"condition": source, "problem": str(problem)},
        ) from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise InvalidRule(N_("The condition is too long. Split the rule into several."))
    checker = _Checker(source)
    checker.truth(tree)
    return Condition(ast.unparse(tree), tuple(sorted(checker.settle().items())))


class _Checker:
    """Checker of a condition: refuses everything outside the language, and infers each fact's type from its use."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._types: dict[str, FactType] = {}
        self._equal: list[tuple[str, str]] = []

    def settle(self) -> dict[str, FactType]:
        """Types of the facts; facts that are compared with each other share a type."""
        for _ in self._equal:
            for left, right in self._equal:
                for one, other in ((left, right), (right, left)):
                    if self._types[other] != "any":
                        self._demand(one, self._types[other])
        return self._types

    def truth(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self.truth(value)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.truth(operand)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                for operator, one, other in zip(ops, [left, *comparators[:-1]], comparators, strict=True):
                    self._comparison(operator, one, other)
            case ast.Constant(value=bool()):
                pass
            case _:
                raise self._refusal(node, N_("In the condition “{condition}”, “{part}” is neither true nor false."))

    def _comparison(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> None:
        if isinstance(operator, _ORDERINGS):
            self._number(left)
            self._number(right)
        elif isinstance(operator, _EQUALITIES):
            self._alike(left, right)
        elif isinstance(operator, _MEMBERSHIPS):
            self._member(left, right)
        else:
            raise self._refusal(left, N_("In the condition “{condition}”, “{part}” cannot be compared like this."))

    def _alike(self, left: ast.expr, right: ast.expr) -> None:
        one, other = self._fact(left), self._fact(right)
        if one is not None and other is not None:
            self._equal.append((one, other))
        elif self._is_string(left) or self._is_string(right):
            self._string(left)
            self._string(right)
        else:
            self._number(left)
            self._number(right)

    def _member(self, left: ast.expr, right: ast.expr) -> None:
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise self._refusal(right, N_("In the condition “{condition}”, “{part}” is not a list of constants."))
        strings = self._is_string(right.elts[0])
        for element in (left, *right.elts):
            if element is not left and self._fact(element) is not None:
                raise self._refusal(element, N_("In the condition “{condition}”, “{part}” is not a constant."))
            (self._string if strings else self._number)(element)

    def _number(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                if value > MAX_INTEGER:
                    raise self._refusal(node, N_("In the condition “{condition}”, “{part}” is too large."))
            case ast.BinOp(left=left, op=op, right=right) if isinstance(op, _ARITHMETIC):
                self._number(left)
                self._number(right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self._number(operand)
            case ast.Call(func=ast.Name(id="abs"), args=[argument], keywords=[]):
                self._number(argument)
            case _:
                fact = self._fact(node)
                if fact is None:
                    raise self._refusal(node, N_("In the condition “{condition}”, “{part}” is not a whole number."))
                self._demand(fact, "int")

    def _string(self, node: ast.expr) -> None:
        if self._is_string(node):
            return
        fact = self._fact(node)
        if fact is None:
            raise self._refusal(node, N_("In the condition “{condition}”, “{part}” is not a text."))
        self._demand(fact, "str")

    def _is_string(self, node: ast.expr) -> bool:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            return False
        if not _STRING.fullmatch(node.value) or _REWRITTEN.search(node.value):
            raise self._refusal(
                node,
                N_("In the condition “{condition}”, “{part}” has characters that a text in a rule cannot contain."),
            )
        return True

    def _fact(self, node: ast.expr) -> str | None:
        match node:
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id="r"), attr="ctx"), attr=name):
                if not _FACT_NAME.fullmatch(name) or name in DISALLOW_METHODS or name.startswith("func_"):
                    raise self._refusal(node, N_("In the condition “{condition}”, “{part}” is not the name of a fact."))
                self._types.setdefault(name, "any")
                return name
        return None

    def _demand(self, fact: str, kind: FactType) -> None:
        known = self._types[fact]
        if known not in ("any", kind):
            raise InvalidRule(
                N_("The condition “{condition}” uses r.ctx.{fact} both as a number and as a text."),
                params={"condition": self._source, "fact": fact},
            )
        self._types[fact] = kind

    def _refusal(self, node: ast.expr, problem: str) -> InvalidRule:
        return InvalidRule(problem, params={"condition": self._source, "part": ast.unparse(node)})


_TYPE_GUARDS: Final = {
    "int": "type({name}) in _numbers",
    "str": "type({name}) is str",
    "any": "type({name}) in _scalars",
}


def compile_condition(condition: Condition, *, tightens: bool) -> Test | None:
    """The condition as a function of the facts, `tightens` when undecidable; None for a condition that always holds."""
    if not condition.text:
        return None
    shape = _Shape()
    body = ast.unparse(shape.visit(ast.parse(condition.text, mode="eval")))
    guards = [_TYPE_GUARDS[kind].format(name=f"(f_{name} := c.get('{name}'))") for name, kind in condition.facts]
    inner = f"lambda c: ({body}) if {' and '.join(guards) or 'True'} else {tightens}"
    parameters = ", ".join(f"k{n}" for n in range(len(shape.constants)))
    return _compiled(f"lambda {parameters}: {inner}")(*shape.constants)


@lru_cache(maxsize=4096)
def _compiled(code: str) -> Callable[..., Test]:
    """Compile a factory. Rules that differ only in their constants share one code object, which then stays warm."""
    # The text contains only nodes that parse_condition allowed, and runs without builtins.
    names = {
        "__builtins__": {},
        "type": type,
        "int": int,
        "str": str,
        "abs": abs,
        "_scalars": _SCALARS,
        "_numbers": _NUMBERS,
    }
    factory: Callable[..., Test] = eval(code, names)  # noqa: S307
    return factory


class _Shape(ast.NodeTransformer):
    """Replaces facts and constants by names: `r.ctx.change_bp <= 500` becomes `f_change_bp <= k0`, with k0 = 500."""

    def __init__(self) -> None:
        self.constants: list[object] = []

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Name(id=f"f_{node.attr}", ctx=ast.Load())

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return node if isinstance(node.value, bool) else self._lift(node.value)

    def visit_Tuple(self, node: ast.Tuple) -> ast.expr:
        return self._lift(ast.literal_eval(node))

    def visit_List(self, node: ast.List) -> ast.expr:
        return self._lift(tuple(ast.literal_eval(node)))

    def _lift(self, constant: object) -> ast.expr:
        self.constants.append(constant)
        return ast.Name(id=f"k{len(self.constants) - 1}", ctx=ast.Load())
