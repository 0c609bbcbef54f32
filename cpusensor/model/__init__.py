"""What is true, as plain data and arithmetic: no I/O, no clock."""
