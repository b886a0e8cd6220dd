"""Checks whether workers answer, in the event loop: nothing here waits.

- ``life``      which worker is asked, and what ``{port}`` and the like mean for it
- ``prober``    the timetable: when each worker is asked, and which answers count
- ``http``      one HTTP GET: its URL, its answer
- ``tcp``       one connection
- ``progress``  a number on a page that a worker serves
- ``exec``      one command, in a session of its own
- ``exchange``  the raw socket under http and tcp
- ``secured``   TLS over it
- ``resolver``  the addresses of a host
- ``pressure``  whether the host is short of CPU, so that a timeout says less
"""
