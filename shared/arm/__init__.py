"""The one door to Azure: ids, requests, long-running operations, error classes and Azure's time. Knows no domain."""
