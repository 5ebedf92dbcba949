"""Decoding, as every engine that has the logits does it: what may be drawn, and what of it stands."""
