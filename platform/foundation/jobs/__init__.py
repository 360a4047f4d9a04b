"""Jobs in lanes: each tenant's ordered, leased, fenced queues, and the ready queue that wakes workers fairly."""
