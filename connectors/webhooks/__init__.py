"""Intake: what arrives is verified, deduplicated and made durable before it is acknowledged."""
