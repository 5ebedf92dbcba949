"""Comparing arms: figures with intervals that hold however often one looks, and which arm is better."""
