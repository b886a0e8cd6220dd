"""What became of a pool's workers over a while, from its event log.

log      lines of the log in, events in order of time out
lives    events folded: when each slot had a worker, what ended it, how long heals took
model    the nouns of a report
measure  lives and a window in, a report out
timeline a slot's story as a row of cells
words    what text and page say in the same words
text     a report for a terminal
page     a report as one HTML file; plots draws what is in it
data     a report as JSON
"""
