"""What leaves the service: its shapes, and the open streams."""
