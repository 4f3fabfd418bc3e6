"""View -> files."""
