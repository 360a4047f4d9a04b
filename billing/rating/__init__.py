"""Rating: assignment of usage events to invoice lines, at the prices in force."""
