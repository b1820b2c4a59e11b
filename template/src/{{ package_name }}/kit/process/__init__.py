"""Starting and stopping the process."""
