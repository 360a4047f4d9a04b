"""What a trading partner sees of its own channel."""
