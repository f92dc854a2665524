"""One file a result: its document, its text."""
