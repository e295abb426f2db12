"""Where media come from: one file each, behind one contract."""
