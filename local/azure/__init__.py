"""A simulated Azure: Resource Manager, managed identity and the providers that protecting AKS clusters needs."""
