"""The sandbox shop (batches, compare-and-swap) and its adapter."""
