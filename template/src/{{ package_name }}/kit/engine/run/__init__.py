"""One attempt: task, thread or coroutine, deadline, verdict, ending."""
