"""What needs attention: exceptions and dead letters."""
