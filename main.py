"""NiceGold Terminal's command line. Without a command it opens the window."""

import sys

if __name__ == "__main__":
    from app.cli import run

    sys.exit(run(sys.argv[1:]))
