"""What a chain keeps between runs: the journal of what was done, and approvals."""
