"""Files -> sealed pack."""
