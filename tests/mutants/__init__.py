"""Whether the tests of the core would notice if it were wrong: `make mutants`.

mutations    every small change of a module that is tried
subjects     the mutants of the core's files, and what is known of each
lines        which test executes which line, and how long each takes
runner       a process that has all tests loaded, copied for each mutant
survivors    (.toml) mutants that no test can tell from the product, or need not, each with the reason

No file is changed. A mutant lives in a copy (fork) of a process in which everything is loaded: the code of one function
is replaced there, and the tests that execute the changed line are run until one fails. A mutant outside of functions
(a default, a constant, a table) is put in place while everything is loaded, which takes seconds instead of tenths.

What is known already is kept in `.mutants/`: a mutant that was killed is tried again once its function has changed, one
that survived once any test or that function has.
"""
