"""Languages: messages stored as codes, and their sentences in the reader's language."""
