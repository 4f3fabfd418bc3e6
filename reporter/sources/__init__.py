"""World -> tables: one file per system. A file here is a source when it declares SOURCE."""
