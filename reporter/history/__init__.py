"""Runs -> differences, ages, waivers."""
