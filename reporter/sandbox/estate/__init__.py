"""The estate: a drawn organisation with its ground truth, poured into the two sandbox servers over HTTP."""
