"""NiceGold Terminal's command line. Without a command it opens the window."""

import sys

if __name__ == "__main__":
    if getattr(sys, "frozen", False):  # a worker process of the packaged program is this executable, called otherwise
        from multiprocessing import freeze_support

        freeze_support()
    from app.cli import run

    sys.exit(run(sys.argv[1:]))
