"""Tables -> results: one question per file. A file here is a check when it declares CHECK, or CHECKS for a family."""
