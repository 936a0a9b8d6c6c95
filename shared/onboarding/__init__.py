"""From a cluster's tags to a protected cluster: what is wanted, the steps, the engine, the pass."""
