"""Whether backups really run: jobs, recovery points, on-demand backups, the sweep."""
