"""What a message costs: servers, a client that counts, and the figures. `make bench` runs it."""
