"""An existing repository: git, its working tree, its answers file."""
