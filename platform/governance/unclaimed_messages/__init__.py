"""Messages of types that no room reads, kept until a room does."""
