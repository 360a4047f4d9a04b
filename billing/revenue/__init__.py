"""Revenue by month: invoiced, recurring and by usage, its changes by client, what is outstanding, and deferred."""
