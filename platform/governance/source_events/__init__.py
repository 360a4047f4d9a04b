"""Messages of other systems as they were received: list and original bytes."""
