"""Files of a sealed run -> the world: what is published, and what became of it. Its receipts belong to the next run."""
