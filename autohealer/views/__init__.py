"""Snapshots and events in, text and JSON out: pure rendering.

dashboard  the live screen, a function a panel; table is its largest one
pool       how things stand, as the dashboard has it
history    what has happened, folded: last events, deaths and heals over time, causes
controls   what keys do
palette    what each state and event looks like
lines      lines of styled text, which all of this is made of; canvas turns them into what a terminal is sent
units      durations, sizes and shares in few columns
text       events in words, the pool as a table
status     the pool as JSON, as the contract has it
"""
