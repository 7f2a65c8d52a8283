"""Small networks, on one thread."""

from tests.threads import one_thread as one_thread
