"""The examination of machine, configuration and cluster: findings with cause and fix."""
