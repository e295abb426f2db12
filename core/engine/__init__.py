"""The owner of all jobs."""
