"""Control reviews: recurring checks of a client's controls, with collected evidence, which a person signs."""
