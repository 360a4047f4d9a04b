"""An MSP's brands: how pages look, and the host names that show them."""
