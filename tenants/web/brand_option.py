"""Option of routes about the MSP's brands: their pages show the newest brand, and a change drops the cached brand."""

from typing import Final

OPTION: Final = "of_brands"
OF_BRANDS: Final = {OPTION: True}
