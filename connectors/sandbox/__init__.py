"""Systems to connect to without owning one: an ERP and two shops over real HTTP, with faults on demand."""
