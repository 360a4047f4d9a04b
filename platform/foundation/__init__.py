"""Infrastructure that every room uses: scope, database, lanes, vault, audit, usage, outbound HTTP, telemetry."""
