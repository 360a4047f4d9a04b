"""Codes of countries and regions."""

import re
from typing import Final

from foundation.errors import InvalidInput
from foundation.marks import N_

REGION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
"""The form of ISO 3166 codes."""


def check_region(region: str) -> str:
    """Raises InvalidInput unless it is empty or has the form of an ISO 3166 code."""
    if region and not REGION.fullmatch(region):
        raise InvalidInput(N_("A region is a country or region code of ISO 3166, such as DE or US-CA."), field="region")
    return region
