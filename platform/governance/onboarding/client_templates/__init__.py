"""Templates of an MSP: what clients have in common, saved in versions, applied to them and compared with them."""
