"""`python -m viz` is the command `autograd-bp`."""

import sys

from viz.cli import main

sys.exit(main())
