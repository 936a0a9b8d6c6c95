"""The fleet as it is wanted against the fleet as it is: what drifted gets a pass, what converged is left alone."""
