"""A background worker: takes jobs from Redis and does the work. It opens no port."""
