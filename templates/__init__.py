"""Templates of the page and the mails."""
