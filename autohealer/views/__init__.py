"""Snapshots and events in, text and JSON out: pure rendering.

text    events in words, the pool as a table
status  the pool as JSON, as the contract has it
"""
