"""Plans: an MSP's offers for a recurring fee, in versions that never change."""
