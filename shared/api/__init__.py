"""What people and runbooks ask over HTTP: requests checked, answers with a shape."""
