"""Record of the data that a client shares with its trading partners."""
