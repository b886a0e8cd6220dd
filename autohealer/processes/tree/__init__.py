"""Which processes belong to a worker, and how they are ended.

- ``procfs``        the fields of ``/proc`` that tell one process from another
- ``strays``        children of ours that nobody waits for
- ``process_tree``  whose is this process?
- ``orphans``       end what dead workers have left behind
- ``users``         the users that they run as
- ``ending``        end workers whose agent is gone
"""
