"""What a screen is made of, a widget a file.

panel    a box of lines: only the lines that differ are drawn again
banner   whether all is as wanted, and why not
workers  the table of workers: only the rows in view are made
heals    heal times over time, and deaths
events   what happened last
fleet    every worker as one glyph, where the table cannot hold them all
agents   the agents, where there are several
pools    the pools of this host
output   what workers wrote: follows, scrolls, wraps, searches
facts    one worker: what it is, its memory and processor time
story    one worker: why its lives ended
keybar   what the keys do
"""
