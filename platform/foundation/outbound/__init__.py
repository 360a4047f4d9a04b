"""HTTP to the outside: guarded addresses, limits, token bucket and breaker per credential."""
