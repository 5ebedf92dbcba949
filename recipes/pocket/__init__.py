"""The pocket model: a small Gemma 3 trained from scratch, from open data to the files in the package."""
