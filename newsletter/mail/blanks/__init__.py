"""What a template does with values that are not known yet, recorded once for all readers."""
