"""What several commands share.

options         options that several commands have        types      values: durations, sizes, signals
access          as whom a command speaks to ZooKeeper      pool       which pool a command means
registry        which service registry                     trailing   commands that take another command
printing        lines onto stdout                          terminals  what stdout is
progress        how far something has come                 repeat     the same again whenever it has changed
file_tail       files that grow                            shell_complete  completion of names
dashboard       the dashboard of ``run`` and ``top``       endpoint   ``run --http``
"""
