"""Tutorials, each a page with its files, and what runs them."""
