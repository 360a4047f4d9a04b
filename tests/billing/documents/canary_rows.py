"""Parameters of this slice without a row for the canary."""

UNSAMPLED = {"note_id": "the sample is an invoice without credit notes"}
