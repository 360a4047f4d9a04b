"""Pages, API and commands of a client's credit balance."""
