"""How soon, and how often wrongly, `attune arms report` says that an arm is better; see __main__."""
