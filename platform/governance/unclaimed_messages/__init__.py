"""Messages of types that no room reads, kept until one does."""
