"""An AWS organisation and a Workload Protection tenant that run on this machine, to try, demonstrate and test the reporter against."""
