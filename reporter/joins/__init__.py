"""Tables -> tables: pure pandas."""
