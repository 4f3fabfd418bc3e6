"""Measurements of the reporter that are no tests. Outside the package."""
