"""Checks whether something answers.

- ``http``  one HTTP GET in the event loop
"""
