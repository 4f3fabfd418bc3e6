"""Actions: results -> changes, and how each is made, verified and undone. One file each, found by walking the folder."""
