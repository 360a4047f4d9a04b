"""What every room stands on: scope, database, lanes, vault, audit, usage, outbound HTTP, telemetry."""
