"""What the machine could do at best beside what the race measured."""
