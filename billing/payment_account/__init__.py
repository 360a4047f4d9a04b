"""The account at a payment provider through which an MSP's clients pay."""
