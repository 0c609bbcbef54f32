"""What the service is told: flags, environment, file."""
