"""The review desk's rules, without a database and without a page: decisions, changes, roles, passwords."""
