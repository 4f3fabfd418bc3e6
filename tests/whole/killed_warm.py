"""Imported by the server that processes to be killed are forked from."""

from tests.whole.killed import warm

warm()
