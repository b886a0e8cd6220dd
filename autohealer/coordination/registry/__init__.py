"""Addresses in the service registry.

address   one address, there while it is wanted
services  who is in that registry, for commands
"""
