"""How fast this tap is beside its peers, measured on one machine: `make bench`.

    __main__        the command
    scenarios       what is measured, and the bar that it must pass
    cpu, waits, limits, others, warehouse    how each is measured
    turns           runs in turns, kept in a journal so that they can be interrupted
    clients         how the tap and each peer are started; the peers themselves are in `peers/`
    environments    the peers' environments, pinned
    servers         the sandbox, or its pages from memory (`replay`), on a core of their own
    processes       a command run to its end: wall, CPU and memory
    rows            what came out, counted and compared with what is there
    ideal           how many requests a rate limit lets through
    postgres        a PostgreSQL of its own
    document, plots docs/benchmarks.md and its figures, from docs/benchmarks.json

`big_sync` and `sandbox_pages` are commands of their own.
"""
