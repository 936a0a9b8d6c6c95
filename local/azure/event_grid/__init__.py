"""Microsoft.EventGrid: event subscriptions, the events that writes cause, and their delivery; custom topics."""

from local.azure.event_grid.provider import PROVIDER

__all__ = ["PROVIDER"]
