"""Tax calculated by a tax service before an invoice is finalised, and recorded there afterwards."""
