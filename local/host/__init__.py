"""A local Functions host around the real azure-functions-runtime; it knows the app only through the runtime."""
