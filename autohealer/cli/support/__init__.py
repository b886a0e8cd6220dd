"""What several commands share.

command         a command as click needs it           run_command     one that takes all that ``run`` takes
options         options that several commands have    types           their values, as click asks for them
where           which pool is meant, as it was typed  pool            that pool, as it is seen from this host
access          as whom ZooKeeper is spoken to        registry        which service registry
asking          how something is asked for            pool_status     how a whole pool is
late            modules imported when they are used   trailing        the command behind ``--``
moment          a moment as people type it            selection       which of many dated lines are meant
printing        lines onto stdout                     status_text     ``status`` for people
terminals       what stdout is                        progress        how far something has come
repeat          the same again when it has changed    file_tail       files that grow
shell_complete  what completion offers                present         the names that there are now
dashboard       the dashboard of ``run``              endpoint        ``run --http``
diagnosis       what ``doctor`` looks at               detaching       ``run --detach``; ``detached``: its agent
rollout         what rollouts have in common           saying          what came of what was asked for
"""
