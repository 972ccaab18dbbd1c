"""Each sync as a short story of tasks, one file a sync."""
