"""Records: their values, channels, titles and claimed keys."""
