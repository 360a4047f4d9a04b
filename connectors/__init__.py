"""The port to other systems, manifests and adapters, intake, health."""
