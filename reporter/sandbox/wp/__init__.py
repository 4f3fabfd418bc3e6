"""A Workload Protection server for this machine: several tenants, told apart by API key, behind real HTTP."""
