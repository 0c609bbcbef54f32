"""The service on the network: application, sockets, routes."""
