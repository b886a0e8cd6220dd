"""Standing for election.

election   an ephemeral sequential node, and a watch on the one before it alone
candidate  one candidate of an election that is nobody's pool: ``autohealer elect``
"""
