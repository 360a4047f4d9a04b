"""Bodies of problems: parameters of every type are written as plain JSON."""

import msgspec

from foundation.errors import InvalidInput
from foundation.marks import Phrase
from foundation.web.problems import problem_body


def test_parameters_of_every_kind_are_plain_json() -> None:
    params = {"where": Phrase("address"), "most": 3, "known": ("a", Phrase("b")), "error": ValueError("no")}
    body = msgspec.json.decode(problem_body(InvalidInput("The {where} is long.", params=params), "c-1"))
    assert body["detail"] == "The address is long."
    assert body["params"] == {"where": "address", "most": 3, "known": ["a", "b"], "error": "no"}
