"""What the machine says: counters, clocks, and what this process costs."""
