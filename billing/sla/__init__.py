"""Service credits: refunds of a part of a client's fees for a month in which service levels were missed."""
