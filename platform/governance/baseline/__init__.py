"""The baseline of a client: what its sources say and its channels show, compared, and accepted by a person."""
