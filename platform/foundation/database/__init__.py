"""Tables' base, roles, row-level security and scoped transactions."""
