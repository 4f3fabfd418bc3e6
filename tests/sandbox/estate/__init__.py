"""Tests of the estate builder."""
