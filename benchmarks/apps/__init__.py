"""What is served to be measured, where a chapter alone is not enough."""
