"""Option of routes about the MSP's brands: they are shown under the newest brand, and one that saves has it read again
for the next page.
"""

from typing import Final

OPTION: Final = "of_brands"
OF_BRANDS: Final = {OPTION: True}
