"""The demonstration: two MSPs with their clients on sandbox systems, and its check without a person."""
