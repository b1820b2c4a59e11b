"""The processors, one file each. A new file is found when the worker starts."""
