"""Each tenant's ordered, leased, fenced queues of work, and the ring that wakes workers fairly."""
