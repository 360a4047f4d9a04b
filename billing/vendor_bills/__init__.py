"""Bills of vendors and distributors to the MSP, with the client and meter of each row."""
