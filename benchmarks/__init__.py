"""The performance of this tap and of its peers, measured on one machine: `make bench`.

    __main__        the command
    scenarios       the result of a scenario: table, bars, ratios of pairs
    cpu, waits, limits, shops, others, warehouse    the scenarios
    turns           runs in turns, kept in a journal so that an interrupted benchmark can be resumed
    clients         the commands of the tap and of each peer; the peers themselves are in `peers/`
    environments    the peers' environments, pinned
    servers         the sandbox, or a replay of its pages, on a core of its own
    replay, pages   the server that replays pages from memory, and the pages
    sandbox         what is imported from the sandbox
    processes       runs a command: wall time, CPU and peak memory
    rows            counts the rows of a client, for comparison with those of the server
    ideal           how many requests a rate limit lets through
    postgres        a PostgreSQL server for one run
    document, plots docs/benchmarks.md and its pictures, from docs/benchmarks.json

`big_sync` and `sandbox_pages` are commands of their own.
"""
