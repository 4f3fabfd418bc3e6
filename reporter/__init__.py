"""The workload compliance reporter."""

__version__ = "0.1.0"
