"""Changes of the shape of the store, in the order of their names."""
