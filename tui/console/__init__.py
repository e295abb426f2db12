"""What the commands share: reaching an engine, following jobs, printing, and ending with the right code."""
