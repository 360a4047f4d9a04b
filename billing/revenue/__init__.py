"""Revenue by month: invoiced, recurring and by usage, its changes by client, outstanding and deferred amounts."""
