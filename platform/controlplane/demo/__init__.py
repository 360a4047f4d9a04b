"""The demonstration: two MSPs with clients on sandbox systems, and its automated check."""
