"""The scheduled job: Fargate tasks started by EventBridge Scheduler, on a disk of their own that outlives them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from reporter.core.permission import By
from reporter.permissions import documents
from reporter.schedule import Schedule
from reporter.stack.parts import (
    FUNCTION_LOG,
    JOB_ROLE,
    NAME,
    SCHEDULE,
    Json,
    Resources,
    allow,
    assumed_by,
    att,
    kept,
    log_group,
    logical,
    managed,
    policy,
    ref,
    resource,
    sub,
)

USER = "10001"
"""of the image, and owner of the disk"""
RUNS = "/var/lib/reporter"
WINDOW_MINUTES = 15
RETRIES, RETRY_SECONDS = 5, 3600

_IMAGE = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/${Repository}@${ImageDigest}"


def image() -> Json:
    """The image by its digest, in the region's own repository."""
    return sub(_IMAGE)


def family(job: str) -> str:
    return f"{NAME}-{job}"


def roles(schedule: Schedule) -> Resources:
    """The job's own role, which tasks and the function share; what starts containers; what starts the job."""
    found: Resources = {}
    policies = list(managed(documents(schedule, By.JOB), "What the compliance reporter's job may do, as printed by reporter permissions --job"))
    for number, one in enumerate(policies, 1):
        found[f"JobPolicy{number}"] = one
    found["JobRole"] = resource(
        "IAM::Role",
        {
            "RoleName": JOB_ROLE,
            "AssumeRolePolicyDocument": policy(assumed_by("ecs-tasks"), assumed_by("lambda", own_account=False)),
            "ManagedPolicyArns": [ref(name) for name in found] or None,
        },
    )
    found["JobDiskAndLogs"] = resource(
        "IAM::RolePolicy", {"RoleName": ref("JobRole"), "PolicyName": "disk-and-logs", "PolicyDocument": policy(*_runtime(schedule))}
    )
    found["StartRole"] = _start_role()
    found["SchedulerRole"] = _scheduler_role(schedule)
    return found


def _runtime(schedule: Schedule) -> Iterator[Json]:
    """What the places that it runs in need, apart from what the program calls."""
    mounted = {"Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": att("DiskAccess", "Arn")}}}
    yield allow(("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"), att("Disk", "Arn"), **mounted)
    log = sub(f"arn:${{AWS::Partition}}:logs:*:${{AWS::AccountId}}:log-group:{FUNCTION_LOG}:*")
    yield allow(("logs:CreateLogStream", "logs:PutLogEvents"), log)
    yield allow(("sqs:SendMessage",), att("Undelivered", "Arn"))
    if on_premises(schedule):
        interfaces = ("CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets")
        yield allow(tuple(f"ec2:{name}" for name in interfaces), "*")


def _start_role() -> Json:
    """Pulls the image and opens the log."""
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    return resource(
        "IAM::Role",
        {
            "AssumeRolePolicyDocument": policy(assumed_by("ecs-tasks")),
            "Policies": [
                {
                    "PolicyName": "start",
                    "PolicyDocument": policy(
                        allow(("ecr:GetAuthorizationToken",), "*"),
                        allow(pull, sub("arn:${AWS::Partition}:ecr:${AWS::Region}:${AWS::AccountId}:repository/${Repository}")),
                        allow(("logs:CreateLogStream", "logs:PutLogEvents"), att("JobLog", "Arn")),
                    ),
                }
            ],
        },
    )


def _scheduler_role(schedule: Schedule) -> Json:
    families = [sub(f"arn:${{AWS::Partition}}:ecs:${{AWS::Region}}:${{AWS::AccountId}}:task-definition/{family(job)}:*") for job in schedule.jobs]
    in_cluster = {"Condition": {"ArnEquals": {"ecs:cluster": att("Cluster", "Arn")}}}
    to_tasks = {"Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}}
    return resource(
        "IAM::Role",
        {
            "AssumeRolePolicyDocument": policy(assumed_by("scheduler")),
            "Policies": [
                {
                    "PolicyName": "start-the-job",
                    "PolicyDocument": policy(
                        allow(("ecs:RunTask",), families, **in_cluster),
                        allow(("iam:PassRole",), [att("JobRole", "Arn"), att("StartRole", "Arn")], **to_tasks),
                        allow(("sqs:SendMessage",), att("Undelivered", "Arn")),
                    ),
                }
            ],
        },
    )


def disk() -> Resources:
    """Runs stay on an encrypted file system: the next run compares itself with the last one."""
    found: Resources = {
        "Disk": kept(
            "EFS::FileSystem",
            {
                "BackupPolicy": {"Status": "ENABLED"},
                "Encrypted": True,
                "FileSystemPolicy": policy(
                    {
                        "Effect": "Deny",
                        "Principal": {"AWS": "*"},
                        "Action": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ),
                "FileSystemTags": [{"Key": "Name", "Value": NAME}],
                "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}],
            },
        ),
        "DiskAccess": resource(
            "EFS::AccessPoint",
            {
                "FileSystemId": ref("Disk"),
                "PosixUser": {"Uid": USER, "Gid": USER},
                "RootDirectory": {"Path": f"/{NAME}", "CreationInfo": {"OwnerUid": USER, "OwnerGid": USER, "Permissions": "0750"}},
            },
        ),
        "DiskSecurity": resource(
            "EC2::SecurityGroup", {"GroupDescription": "Disk of the compliance reporter, for its job alone", "VpcId": ref("Vpc")}
        ),
        "DiskFromJob": resource(
            "EC2::SecurityGroupIngress",
            {"GroupId": att("DiskSecurity", "GroupId"), **_port(2049), "SourceSecurityGroupId": att("JobSecurity", "GroupId")},
        ),
        "JobToDisk": resource(
            "EC2::SecurityGroupEgress",
            {"GroupId": att("JobSecurity", "GroupId"), **_port(2049), "DestinationSecurityGroupId": att("DiskSecurity", "GroupId")},
        ),
    }
    for letter in "AB":
        target = {"FileSystemId": ref("Disk"), "SubnetId": ref(f"Subnet{letter}"), "SecurityGroups": [att("DiskSecurity", "GroupId")]}
        found[f"Mount{letter}"] = resource("EFS::MountTarget", target)
    return found


def network(schedule: Schedule) -> Resources:
    """Out only, and only to the ports that the schedule speaks to."""
    ports = {443, *(_port_of(tenant.url) for tenant in schedule.workload_protection)}
    ports |= {_port_of(schedule.evidence.tsa_url)} if schedule.evidence.tsa_url else set()
    smtp = schedule.deliver.email.smtp if schedule.deliver.email else None
    ports |= {smtp.port} if smtp else set()
    out = [{**_port(port), "CidrIp": "0.0.0.0/0", "Description": "AWS, Workload Protection and mail"} for port in sorted(ports)]
    about = "Job of the compliance reporter: nothing comes in"
    return {"JobSecurity": resource("EC2::SecurityGroup", {"GroupDescription": about, "VpcId": ref("Vpc"), "SecurityGroupEgress": out})}


def _port(number: int) -> Json:
    return {"IpProtocol": "tcp", "FromPort": number, "ToPort": number}


def _port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def on_premises(schedule: Schedule) -> bool:
    """Is a tenant not the vendor's own service? Then the function has to be in the network, too."""
    return any(not (urlsplit(tenant.url).hostname or "").endswith(".trendmicro.com") for tenant in schedule.workload_protection)


def tasks(schedule: Schedule) -> Resources:
    """A task definition and a schedule for each job."""
    found: Resources = {
        "Cluster": resource("ECS::Cluster", {"ClusterName": NAME}),
        "JobLog": log_group(f"/{NAME}/job", schedule.evidence.retention_days),
        "Undelivered": kept("SQS::Queue", {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True}),
    }
    for name, job in schedule.jobs.items():
        found[logical(name, "Task")] = _task(name)
        found[logical(name, "Schedule")] = resource(
            "Scheduler::Schedule",
            {
                "Name": family(name),
                "Description": f"Starts the compliance reporter's job {name}",
                "ScheduleExpression": job.schedule,
                "ScheduleExpressionTimezone": job.timezone,
                "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": WINDOW_MINUTES},
                "State": "ENABLED",
                "Target": _target(name),
            },
        )
    return found


def _task(job: str) -> Json:
    command = ["run", "--schedule", SCHEDULE, "--out", RUNS, "--job", job]
    log = {"awslogs-group": ref("JobLog"), "awslogs-region": ref("AWS::Region"), "awslogs-stream-prefix": job}
    return resource(
        "ECS::TaskDefinition",
        {
            "Family": family(job),
            "Cpu": ref("Cpu"),
            "Memory": ref("Memory"),
            "NetworkMode": "awsvpc",
            "RequiresCompatibilities": ["FARGATE"],
            "RuntimePlatform": {"OperatingSystemFamily": "LINUX", "CpuArchitecture": ref("Architecture")},
            "ExecutionRoleArn": att("StartRole", "Arn"),
            "TaskRoleArn": att("JobRole", "Arn"),
            "ContainerDefinitions": [
                {
                    "Name": NAME,
                    "Image": image(),
                    "Command": command,
                    "Environment": [{"Name": "AWS_DEFAULT_REGION", "Value": ref("AWS::Region")}],
                    "Essential": True,
                    "LinuxParameters": {"InitProcessEnabled": True},
                    "LogConfiguration": {"LogDriver": "awslogs", "Options": log},
                    "MountPoints": [
                        {"SourceVolume": "runs", "ContainerPath": RUNS, "ReadOnly": False},
                        {"SourceVolume": "scratch", "ContainerPath": "/tmp", "ReadOnly": False},  # noqa: S108  # the container's own
                    ],
                    "ReadonlyRootFilesystem": True,
                    "StopTimeout": 120,
                }
            ],
            "Volumes": [
                {
                    "Name": "runs",
                    "EFSVolumeConfiguration": {
                        "FilesystemId": ref("Disk"),
                        "TransitEncryption": "ENABLED",
                        "AuthorizationConfig": {"AccessPointId": ref("DiskAccess"), "IAM": "ENABLED"},
                    },
                },
                {"Name": "scratch"},
            ],
        },
    )


def _target(job: str) -> Json:
    place = {"Subnets": [ref("SubnetA"), ref("SubnetB")], "SecurityGroups": [att("JobSecurity", "GroupId")], "AssignPublicIp": ref("PublicIp")}
    return {
        "Arn": att("Cluster", "Arn"),
        "RoleArn": att("SchedulerRole", "Arn"),
        "EcsParameters": {
            "TaskDefinitionArn": ref(logical(job, "Task")),
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": place},
        },
        "RetryPolicy": {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": RETRY_SECONDS},
        "DeadLetterConfig": {"Arn": att("Undelivered", "Arn")},
    }
