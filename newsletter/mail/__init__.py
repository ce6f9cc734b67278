"""A digest becomes a mail: rendered, put together, checked; import the modules."""
