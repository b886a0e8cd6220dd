"""``autohealer import``: TOML from the files of other supervisors, with a remark for each setting that has no equal.

formats      which format a file is in; a Procfile needs no more than this
pool         a pool as it is found in such a file, and as TOML
supervisord  supervisord.conf
pm2          an ecosystem file as JSON, or what ``pm2 prettylist`` prints
systemd      a unit
"""
