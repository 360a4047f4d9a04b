"""Electronic data interchange: reading, writing and acknowledging X12 and EDIFACT."""
