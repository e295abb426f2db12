"""What Reeldeck costs, measured. `make bench` prints it; no test depends on a timing."""
