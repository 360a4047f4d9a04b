"""Records: values, channels, titles, key claims."""
