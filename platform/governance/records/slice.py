"""Parts of this slice."""

from typing import Final

import governance.records.models
from foundation.rooms import Slice

SLICE: Final = Slice(
    models=(governance.records.models,),
)
