"""Webhook intake: deliveries are verified, deduplicated and made durable before they are acknowledged."""
