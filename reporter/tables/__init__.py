"""The declared tables that cross from sources to joins, checks and reports. One file per system that is read, and one of what is joined."""
