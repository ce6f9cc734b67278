"""Bytes of the world become lists of papers; import the modules, this package itself holds nothing."""
