"""How many workers a load needs: measured service times, and a simulation of the queue in front of them."""
