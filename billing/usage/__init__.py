"""Usage reported from outside, the meters that MSPs declare for it, and what all meters counted."""
