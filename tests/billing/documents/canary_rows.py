"""Parameters of this slice of which the canary has no row."""

UNSAMPLED = {"note_id": "the sample is an invoice without credit notes"}
