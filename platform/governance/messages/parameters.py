"""Parameters of messages about one value."""

from canonical.keys import ElementKey


def about(key: ElementKey) -> dict[str, object]:
    """The parameters `element` and `record_key`; an element with dimensions includes them."""
    element: object = {"code": key.element, "dimension": key.dimension} if key.dimension else key.element
    return {"element": element, "record_key": key.record_key}
