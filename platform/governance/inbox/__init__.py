"""The inbox: what needs a person in any of the MSP's clients, in one list."""
