"""The command line: `fairlead`."""
