"""Entitlements of clients: from their plans, from defaults of price books, or set for one client."""
