"""The local preview: the true digest of any reader, in a studio in the browser or as files."""
