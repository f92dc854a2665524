"""Values in, text out; nothing here knows where they came from."""
