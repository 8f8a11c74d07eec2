"""What is queued in the instances: the reader of their queues, and pure views of what it reads."""
