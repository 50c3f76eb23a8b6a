"""Measure what a message costs: servers, a counting client and figures. Run it: `make bench`."""
