"""The screens.

pool      the first one: banner, workers, heals, events
worker    one worker: facts, curves, story, output
output    the output of all workers, merged
pools     all pools that run on this host
question  yes or no, before something is done
help      every key, made from the bindings
view      what screens have in common: panels that are updated, and a line to type a filter into
"""
