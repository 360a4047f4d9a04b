"""Rows of this slice's lists, for the tests of every list."""

from foundation.clock import utc_now
from governance.elements.models import CustomElement
from tests.support.list_rows import ListSample, Matches, Rows


async def add_element(rows: Rows, number: int) -> Matches:
    await rows.sample.add(
        CustomElement(
            **rows.own, code=f"custom.{rows.tag.lower()}{number:03}", label=rows.name(number), domain="product",
            record_type="product", value_type="text", dimensions=[], codes=[], distributed=False,
            created_at=utc_now(), created_by="Ada", retired_at=utc_now() if number % 2 else None,
        )
    )  # fmt: skip
    return {"show": ["retired" if number % 2 else "current"]}


SAMPLES: dict[str, ListSample] = {"elements": add_element}
