"""Port to a register of VAT ids, and the stored results of its checks."""
