"""The baseline of a client: values of its sources and its channels, compared, and accepted by a person."""
