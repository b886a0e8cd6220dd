"""Snapshots and events in, text and JSON out: pure rendering.

status     how a pool stands: the fields of ``status --json``
status_of  that, made of an agent's snapshot, or of what stands in ZooKeeper
listing    what ``status`` and ``events`` print
text       events in words
systemd    a systemd unit for an agent
tally      how a pool has fared, in one line
unproven   heals that were none after all
why        incidents as stories
crashing   which slots wait before their next start, and what their workers said last
reading    a line of JSON into the event that it tells of
tolerant   JSON that another version may have written
services   the service registry as a table
report     how a pool fared, as text, page and data
palette    what each state and event looks like
lines      lines of styled text, and text in exactly so many columns
rendering  lines and tables into text, by rich
units      durations, sizes and shares in few columns
"""
