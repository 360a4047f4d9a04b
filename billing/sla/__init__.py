"""Service credits: what a client gets back of its fees for a month in which service levels were missed."""
