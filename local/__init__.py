"""Everything on one machine, for trying out, developing and testing; never deployed."""
