"""Real services for tests and developers: each a private process on 127.0.0.1, gone when its block ends."""
