"""Connectors: ports, manifests and adapters, polling, webhook intake, connection health."""
