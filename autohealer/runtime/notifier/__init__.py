"""Notices to people elsewhere, as ``[[notify]]`` asks for: a webhook, a chat, a command.

    owner     the agent's end: it starts the process, hands it the events, and is never held up by it
    program   that process: events in, notices out
    making    from the options to the notifier
    messages  what the two tell each other
    alarms    which notices there are to send: pure, on a clock that is given
    sending   how one is sent

A process of its own, for a server that does not answer must not slow a heal, and what it waits for is nobody's matter.
"""
