"""Client templates of an MSP: shared settings, saved in versions, applied to clients and compared with them."""
