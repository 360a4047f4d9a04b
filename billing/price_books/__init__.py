"""Price books, and the arithmetic of their prices."""
