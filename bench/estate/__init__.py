"""A server that stands for AWS and one Workload Protection tenant, with a made-up estate of any size, fast enough to be left out of account.

The sandbox of the package (reporter.sandbox) behaves as the services do, and takes milliseconds a call. This one only reads: it knows the calls of a
nightly run, renders each answer from prepared bytes, and counts what it was asked. `python -m bench.estate --help`.
"""
