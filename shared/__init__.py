"""The domain; no module of it imports azure.functions."""
