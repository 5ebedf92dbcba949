"""What the review desk keeps: items in people's hands, decisions, what goes out, and who did what."""
