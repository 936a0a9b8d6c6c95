"""The fleet's records: one status row per cluster, claims, and the messages that ask for a pass."""
