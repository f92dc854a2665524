"""Consumer groups: how far they are behind, and where they go on."""
