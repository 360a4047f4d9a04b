"""Rows of this slice's lists, for the tests of every list."""

from tests.support.list_rows import ListSample, Matches, Rows


async def add_letter(rows: Rows, number: int) -> Matches:
    await rows.sample.letter(rows.name(number), at=900 + number % 2)
    return {"status": ["open"]}


SAMPLES: dict[str, ListSample] = {"dead-letters": add_letter}
