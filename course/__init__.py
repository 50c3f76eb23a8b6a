"""The tools that keep pages, projects and learners in step: `python -m course --help`."""
