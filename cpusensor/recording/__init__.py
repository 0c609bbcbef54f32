"""From a reading to a sample that is stored and published."""
