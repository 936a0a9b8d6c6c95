"""Whether a cluster could be restored now, with evidence: facts read side by side, checks as pure functions of them."""
