"""aria2c as another way to fetch plain files, for those who want it."""
