"""The only way out for child processes: a loopback proxy that asks the gate."""
