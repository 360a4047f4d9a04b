"""What clients may have: by their plans, by the defaults of price books, or as set for one client."""
