"""Is it ready? One file a layer; `readiness.py` runs the ladder."""
