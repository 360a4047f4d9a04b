"""Sandbox systems for tests and demos: an ERP and two shops over real HTTP, with faults on demand."""
