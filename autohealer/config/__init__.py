"""What a pool and an agent can be told: every option once, and everything that is made from that list.

kinds        the kinds of values that many options have: how they are read, checked, shown
exits        which ends of a worker are success, as they are typed
special_kinds  those that single options have: hosts, limits, parts of a share
options      one option: its kind, help, default, example, and what a change of it means
schema       the list itself: `PoolOptions` and `AgentOptions`
spec         from `PoolOptions` to the core's `PoolSpec`, and the checks that concern several options at once
source       a file as it was read; ``toml_file`` and ``procfile`` make one of TOML and of a Procfile
values       values as they stand in a file, read by their kinds
load         what a file says, checked, layer by layer; what is wrong has file, line and key
order        which pools wait for which
env_file     environment files, which nothing of is ever shown
diff         what has changed between two configurations, and what is to be done; ``drift`` asks it of a file that runs
importing    configurations from the files of other supervisors
show         a configuration as TOML again; ``json_schema`` what a file may say

Nothing here knows click; the command line, the configuration file and the reference page are all made from the schema.
"""
