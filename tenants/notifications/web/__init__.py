"""Forms of notification settings."""
