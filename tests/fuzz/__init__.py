"""Whatever bytes come in from outside: what reads them says what they are, or refuses them, and nothing else.

targets   a function for each reader, which gets bytes
endpoint  the HTTP endpoint, without sockets

``test_targets`` tries each with what hypothesis finds; ``make fuzz`` with what coverage leads atheris to, for longer.
"""
