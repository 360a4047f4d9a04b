"""Reasons are stored as messages, i.e. a code with parameters, and rendered in the reader's language."""

import ast
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import pytest
from sqlalchemy import Column, String
from sqlalchemy.dialects.postgresql import JSONB

from canonical.problems import CanonicalError
from connectors.ports import ChannelReading, PayloadInvalid, SystemUnavailable, Unreadable, WriteResult
from foundation.i18n.messages import MessageText
from foundation.jobs.batch import Batch
from foundation.outbound.errors import OutboundHeld, OutboundRefused, OutboundUnavailable
from governance.messages.catalogue import MESSAGES
from tests.architecture.test_layout import ROOT, modules
from tests.support.owned_tables import metadata

_NAMED = re.compile(r"(^|_)(error|detail|reason|cause|trouble|why|unreadable)s?$")
BY_PEOPLE = {
    ("legal_hold", "reason"),
    ("legal_hold", "release_reason"),
    ("approval", "reason"),
    ("access_grant", "reason"),
    ("onboarding_waiver", "reason"),
    ("onboarding_task", "reason"),
    ("credit_note", "reason"),
    ("client_coupon", "reason"),
    ("client_coupon", "end_reason"),
    ("credit_grant", "reason"),
    ("sla_credit", "reason"),
    ("billing_difference", "reason"),
    ("subscription", "reason"),
    ("subscription_step", "reason"),
    ("usage_limit", "override_reason"),
    ("invoice_step", "cause"),
    ("tax_rate", "reason"),
    ("unit_pack", "reason"),
    ("unit_pack", "end_reason"),
    ("vat_check", "reason"),
}
"""Columns with a member's own text, or with codes of an enumeration."""
BY_HAND = [
    path
    for path in modules()
    if path.relative_to(ROOT).parts[0] == "connectors" or path.relative_to(ROOT).parts[:2] == ("platform", "governance")
]
_RAISED = {"PayloadInvalid", "SystemUnavailable", "OutboundUnavailable", "OutboundHeld", "OutboundRefused"}


def named(columns: Iterator[Column[Any]]) -> dict[tuple[str, str], Column[Any]]:
    return {(column.table.name, column.name): column for column in columns if _NAMED.search(column.name)}


FOUND = named(column for table in metadata.tables.values() for column in table.columns)


def test_columns_of_reasons_hold_messages_or_typed_text() -> None:
    assert {key for key, column in FOUND.items() if isinstance(column.type, String)} == BY_PEOPLE
    assert {key for key, column in FOUND.items() if not isinstance(column.type, String | JSONB)} == set()
    messages = FOUND.keys() - BY_PEOPLE
    assert messages >= {
        ("job", "error"), ("dead_letter", "error"), ("connection", "last_error"), ("propagation_attempt", "detail"),
        ("baseline_part", "error"), ("baseline_item", "unreadable"), ("baseline_reading", "unreadable"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (WriteResult, "detail"), (Unreadable, "reason"), (ChannelReading, "unreadable"),
        (PayloadInvalid.__init__, "reason"), (SystemUnavailable.__init__, "reason"),
        (OutboundRefused.__init__, "detail"), (OutboundUnavailable.__init__, "detail"),
        (OutboundHeld.__init__, "detail"), (Batch.retry, "error"), (Batch.dead_letter, "error"),
    ],
)  # fmt: skip
def test_values_of_reason_columns_are_typed_as_messages(where: object, name: str) -> None:
    """The type checker then rejects an untyped sentence at every call."""
    assert get_type_hints(where)[name] is MessageText


def bare_sentences(tree: ast.Module) -> Iterator[int]:
    """Lines that pass a sentence of the product as text of another system."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="TEXT" | "LEGACY"), attr="write" | "fill"), keywords=words
            ):
                if any(isinstance(one, ast.Constant | ast.JoinedStr) for word in words for one in ast.walk(word.value)):
                    yield node.lineno
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant() | ast.JoinedStr(), *_]) if name in _RAISED:
                yield node.lineno


def test_no_sentence_of_the_product_is_passed_as_foreign_text() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}" for path in BY_HAND for line in bare_sentences(ast.parse(path.read_text()))
    ]
    assert found == []


def test_the_check_finds_a_violation() -> None:
    source = """
TEXT.write(text="We could not")
TEXT.fill(text=f"We could {error}")
raise PayloadInvalid("We could not")
raise SystemUnavailable(f"We could {error}", whole=True)
TEXT.write(text=answer.message)
raise PayloadInvalid(reasons.NO_WAY.write())
"""
    assert list(bare_sentences(ast.parse(source))) == [2, 3, 4, 5]


_STORING = {"write", "fill"}


def errors_as_words(tree: ast.Module) -> Iterator[int]:
    """Lines that pass the English text of an error (`str(error)`, or an f-string of it) as a parameter of a message."""
    for handler in (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name):
        for node in ast.walk(handler):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _STORING):
                continue
            for word in node.keywords:
                match word.value:
                    case ast.Call(func=ast.Name(id="str"), args=[ast.Name(id=name)]) if name == handler.name:
                        yield node.lineno
                    case ast.JoinedStr() as text if handler.name in {
                        one.id for one in ast.walk(text) if isinstance(one, ast.Name)
                    }:
                        yield node.lineno


def test_no_message_holds_the_english_text_of_an_error() -> None:
    """`reason_of` and `text_of` return the message of an error, if it has a message."""
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules()
        for line in errors_as_words(ast.parse(path.read_text()))
    ]
    assert found == []


def plain_raises(tree: ast.Module) -> Iterator[int]:
    """Lines of `canonical` that raise an error with a sentence instead of a declared problem."""
    for node in ast.walk(tree):
        match node:
            case ast.Raise(exc=ast.Call(args=[ast.Constant() | ast.JoinedStr(), *_])):
                yield node.lineno


def test_errors_of_canonical_are_declared_problems() -> None:
    paths = [path for path in modules() if path.relative_to(ROOT).parts[:2] == ("platform", "canonical")]
    assert len(paths) > 8
    found = [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in plain_raises(ast.parse(path.read_text()))]
    assert found == []


def test_the_checks_of_errors_find_what_they_look_for() -> None:
    source = """
try:
    read()
except ValueError as problem:
    CHANGED.write(error=str(problem))
    CHANGED.fill(error=f"so {problem}")
    CHANGED.write(error=text_of(problem))
    log.info(error=str(problem))
raise InvalidValue(f"{text} is none.")
raise InvalidValue(problems.NONE, text=text)
"""
    tree = ast.parse(source)
    assert [list(errors_as_words(tree)), list(plain_raises(tree))] == [[5, 6], [9]]


def problem_types() -> Iterator[type[CanonicalError]]:
    left = [CanonicalError]
    while left:
        yield (one := left.pop())
        left += one.__subclasses__()


def test_every_error_of_canonical_has_a_problem() -> None:
    """An error class without a problem would be stored as English text."""
    assert len(set(problem_types())) > 5
    plain = [
        f"{path.name}:{node.name}"
        for path in modules()
        if path.relative_to(ROOT).parts[:2] == ("platform", "canonical")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and {"ValueError", "Exception"} & {ast.unparse(base) for base in node.bases}
    ]
    assert plain == ["problems.py:CanonicalError"]


def test_messages_of_every_declaring_module_are_in_the_catalogue() -> None:
    """Messages that are missing in the catalogue could not be rendered."""
    declared = {
        node.args[0].value
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"MessageType", "ProblemType", "Problem"}
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(declared) > 200
    assert declared - MESSAGES.keys() == set()
