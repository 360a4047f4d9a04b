"""Parts of this slice."""

from typing import Final

import governance.exceptions.models
from foundation.rooms import Slice
from governance.exceptions.meters import HANDLED_EXCEPTIONS

SLICE: Final = Slice(
    models=(governance.exceptions.models,),
    meters=(HANDLED_EXCEPTIONS,),
)
