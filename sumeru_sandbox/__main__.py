"""Run the command `sumeru-sandbox` as `python -m sumeru_sandbox`."""

from sumeru_sandbox.server.cli import main

if __name__ == "__main__":
    main()
