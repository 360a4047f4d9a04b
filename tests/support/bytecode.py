"""Plugin, loaded before all others: enables bytecode even if the environment disables it.

Python's container images set `PYTHONDONTWRITEBYTECODE`. With this variable, each run, and each process that a
test starts, compiles the product, the tests and the plugins again, which takes two CPU seconds.
"""

import os
import sys

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
