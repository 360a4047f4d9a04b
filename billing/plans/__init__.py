"""Plans: what an MSP offers for a recurring fee, in versions that never change."""
