"""Values without a usable element contract, kept until one is published or corrected."""
