"""The sandbox ERP and its adapter."""
