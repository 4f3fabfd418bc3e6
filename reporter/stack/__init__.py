"""schedule.yaml -> CloudFormation: the job's own account, its further regions, and the accounts that are looked at."""
