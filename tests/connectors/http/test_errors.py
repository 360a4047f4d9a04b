from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonical.elements import PRICE
from connectors.http.errors import check_readable, failed_writes, retry_after
from connectors.http.requests import endpoint, json_headers
from connectors.ports import ConnectionConfig, SystemUnavailable, WriteState
from tests.connectors.channel_contract import write


class Answer:
    def __init__(self, status_code: int, **headers: str) -> None:
        self.status_code = status_code
        self.headers: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        self.content = b""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 1.5 "}, 1.5),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "1e9"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 30.0),
        ({"retry_after": "Sun, 22 Nov 2026 11:00:00 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 0.0),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:30 GMT"}, None),
    ],
)
def test_the_requested_wait_is_parsed(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Answer(429, **headers).headers) == seconds


@given(st.text(), st.text())
def test_no_header_breaks_the_reading_of_the_wait(wait: str, date: str) -> None:
    seconds = retry_after({"retry-after": wait, "date": date})
    assert seconds is None or 0 <= seconds <= 86400


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, None),
        (202, None),
        (301, WriteState.RETRY),
        (400, WriteState.REFUSED),
        (401, WriteState.RETRY),
        (403, WriteState.RETRY),
        (404, WriteState.RETRY),
        (408, WriteState.RETRY),
        (413, WriteState.REFUSED),
        (422, WriteState.REFUSED),
        (425, WriteState.RETRY),
        (429, WriteState.RETRY),
        (500, WriteState.RETRY),
        (503, WriteState.RETRY),
    ],
)
def test_only_permanent_failures_are_refused(status: int, state: WriteState | None) -> None:
    writes = [write("A", PRICE, 1, 1), write("B", PRICE, 2, 1)]
    results = failed_writes(Answer(status), writes)
    if state is None:
        assert results is None
        check_readable(Answer(status), "The shop")
        return
    assert results is not None
    assert [(r.key.record_key, r.state) for r in results] == [("A", state), ("B", state)]
    assert all(r.detail for r in results)
    with pytest.raises(SystemUnavailable, match=str(status)):
        check_readable(Answer(status), "The shop")


def test_addresses_may_end_with_a_slash() -> None:
    for base in ("https://shop.example.test/eu", "https://shop.example.test/eu/"):
        assert endpoint(ConnectionConfig("1", base, {}, {}), "/values") == "https://shop.example.test/eu/values"


def test_a_bearer_token_is_sent_only_when_there_is_one() -> None:
    assert "authorization" not in json_headers()
    assert json_headers("t")["authorization"] == "Bearer t"
