"""What vendors and distributors billed the MSP, and which client and meter each row is of."""
