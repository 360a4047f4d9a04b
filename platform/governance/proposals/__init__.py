"""Values that people propose: with a preview of the decision, at once or at a later time."""
