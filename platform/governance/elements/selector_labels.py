"""Labels of selectors."""

from typing import Final

from canonical.dimensions import LABELS
from foundation.i18n.localizer import current_localizer
from foundation.marks import N_
from foundation.text import mark_key
from governance.elements.selectors import RECORD_KEY
from governance.labels import write_dimension

_ALL: Final = N_("All")
_OTHERS: Final = N_("All others")
_PREFIX: Final = N_("Keys beginning with {beginning}")


def write_selector(selector: str, *, is_shared: bool = True) -> str:
    """Label of a contract's selector: “Keys beginning with WH-”, “Location: Berlin”. `is_shared`: other contracts of
    the element select values, so that the default one is for the others.
    """
    localizer = current_localizer()
    if not selector:
        return localizer.text(_OTHERS if is_shared else _ALL)
    name, _, value = selector.partition("=")
    if name == RECORD_KEY:
        return localizer.text(_PREFIX).format(beginning=mark_key(value.removesuffix("*")))
    return f"{localizer.text(LABELS.get(name, name))}: {write_dimension(selector, localizer)}"
