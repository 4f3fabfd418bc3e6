"""The words of the product: scopes, the ledger, tables, results, errors. Imports nothing of ours."""
