"""Usage reported from outside, the meters that MSPs declare for it, and the usage of all meters."""
