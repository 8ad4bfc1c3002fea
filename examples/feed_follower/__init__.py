"""A backend that knows at any time who belongs to an organization: it follows Portico's event feed, and misses nothing.

docs/event-feed.md tells about it.
"""
