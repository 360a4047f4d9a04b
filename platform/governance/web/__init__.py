"""How this room's pages answer: shared context, refusals, addresses."""
