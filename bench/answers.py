"""Made-up pages of AWS's and Workload Protection's large answers, of the size and form of real ones: what bench/parsing.py reads.

Forms are those of the services' own references; names, ids and texts are made up.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

REGION, ACCOUNT = "eu-central-1", "111122223333"


def instances(count: int) -> bytes:
    """DescribeInstances. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html"""
    found = "".join(_reservation(number) for number in range(count))
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    return (
        f"{head}<requestId>8f7724cf-496f-496e-8fe3-example</requestId><reservationSet>{found}</reservationSet></DescribeInstancesResponse>".encode()
    )


def _reservation(number: int) -> str:
    group = "<item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item>"
    address = f"10.0.{number // 250 % 250}.{number % 250 + 1}"
    tags = {"Name": f"web-{number}", "Owner": "payments", "Environment": "cde", "aws:autoscaling:groupName": "web"}
    listed = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in tags.items())
    off = "".join(f"<{name}><enabled>false</enabled></{name}>" for name in ("hibernationOptions", "enclaveOptions"))
    return f"""<item><reservationId>r-{number:017x}</reservationId><ownerId>{ACCOUNT}</ownerId><groupSet/><instancesSet><item>
<instanceId>i-{number:017x}</instanceId><imageId>ami-0123456789abcdef0</imageId><instanceState><code>16</code><name>running</name></instanceState>
<privateDnsName>ip-{address.replace(".", "-")}.{REGION}.compute.internal</privateDnsName><dnsName/><reason/><keyName>web</keyName>
<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m5.large</instanceType><launchTime>2026-03-01T08:15:{number % 60:02}.000Z</launchTime>
<placement><availabilityZone>{REGION}a</availabilityZone><groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state></monitoring>
<subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><privateIpAddress>{address}</privateIpAddress>
<sourceDestCheck>true</sourceDestCheck><groupSet>{group}</groupSet><architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>
<rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-{number:017x}</volumeId>
<status>attached</status><attachTime>2026-03-01T08:15:10.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item>
</blockDeviceMapping><virtualizationType>hvm</virtualizationType><clientToken>0d6c1b2e-{number:04x}-example</clientToken><tagSet>{listed}</tagSet>
<hypervisor>xen</hypervisor><networkInterfaceSet><item><networkInterfaceId>eni-{number:017x}</networkInterfaceId>
<subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><description/><ownerId>{ACCOUNT}</ownerId><status>in-use</status>
<macAddress>02:dd:2c:5e:01:69</macAddress><privateIpAddress>{address}</privateIpAddress><sourceDestCheck>true</sourceDestCheck>
<groupSet>{group}</groupSet><attachment><attachmentId>eni-attach-{number:017x}</attachmentId><deviceIndex>0</deviceIndex><status>attached</status>
<attachTime>2026-03-01T08:15:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>
<privateIpAddressesSet><item><privateIpAddress>{address}</privateIpAddress><primary>true</primary></item></privateIpAddressesSet><ipv6AddressesSet/>
<interfaceType>interface</interfaceType></item></networkInterfaceSet><iamInstanceProfile><arn>arn:aws:iam::{ACCOUNT}:instance-profile/web</arn>
<id>AIPAEXAMPLE</id></iamInstanceProfile><ebsOptimized>true</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>1</coreCount>
<threadsPerCore>2</threadsPerCore></cpuOptions><capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference>
</capacityReservationSpecification>{off}<metadataOptions><state>applied</state><httpTokens>required</httpTokens>
<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions><platformDetails>Linux/UNIX</platformDetails>
<usageOperation>RunInstances</usageOperation><usageOperationUpdateTime>2026-03-01T08:15:00.000Z</usageOperationUpdateTime>
<privateDnsNameOptions><hostnameType>ip-name</hostnameType></privateDnsNameOptions></item></instancesSet></item>"""


def roles(count: int) -> bytes:
    """GetAccountAuthorizationDetails. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html"""
    found = "".join(_role(number) for number in range(count))
    head = '<GetAccountAuthorizationDetailsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetAccountAuthorizationDetailsResult>'
    tail = "</GetAccountAuthorizationDetailsResult><ResponseMetadata><RequestId>92e79ae7-example</RequestId></ResponseMetadata>"
    parts = "<IsTruncated>false</IsTruncated><UserDetailList/><GroupDetailList/><Policies/>"
    return f"{head}{parts}<RoleDetailList>{found}</RoleDetailList>{tail}</GetAccountAuthorizationDetailsResponse>".encode()


def _role(number: int) -> str:
    arn = f"arn:aws:iam::{ACCOUNT}"
    trust = _document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    allowed = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::bucket-{number}/*"}
    inline = _document(*[{**allowed, "Sid": f"Statement{part}"} for part in range(4)])
    managed = "".join(
        f"<member><PolicyName>{name}</PolicyName><PolicyArn>arn:aws:iam::aws:policy/{name}</PolicyArn></member>" for name in ("One", "Two", "Three")
    )
    tags = "".join(f"<member><Key>{key}</Key><Value>payments-{number}</Value></member>" for key in ("Owner", "Service", "CostCentre"))
    profile = f"""<InstanceProfileId>AIPA{number:012x}</InstanceProfileId><Roles><member><Path>/</Path><Arn>{arn}:role/role-{number}</Arn>
<RoleName>role-{number}</RoleName><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument><CreateDate>2026-03-01T08:15:00Z</CreateDate>
<RoleId>AROA{number:012x}</RoleId></member></Roles><InstanceProfileName>role-{number}</InstanceProfileName><Path>/</Path>
<Arn>{arn}:instance-profile/role-{number}</Arn><CreateDate>2026-03-01T08:15:00Z</CreateDate>"""
    return f"""<member><RolePolicyList><member><PolicyName>own</PolicyName><PolicyDocument>{inline}</PolicyDocument></member></RolePolicyList>
<AttachedManagedPolicies>{managed}</AttachedManagedPolicies><InstanceProfileList><member>{profile}</member></InstanceProfileList><Path>/</Path>
<Arn>{arn}:role/role-{number}</Arn><RoleName>role-{number}</RoleName><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument>
<CreateDate>2026-03-01T08:15:00Z</CreateDate><RoleId>AROA{number:012x}</RoleId><Tags>{tags}</Tags><RoleLastUsed>
<LastUsedDate>2026-09-01T08:15:00Z</LastUsedDate><Region>{REGION}</Region></RoleLastUsed></member>"""


def _document(*statements: dict[str, Any]) -> str:
    return quote(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def guardduty(count: int) -> bytes:
    """GetFindings. https://docs.aws.amazon.com/guardduty/latest/APIReference/API_GetFindings.html"""
    return _packed({"findings": [_guardduty(number) for number in range(count)]})


def _guardduty(number: int) -> dict[str, Any]:
    seen = f"2026-09-0{number % 9 + 1}T10:12:13.456Z"
    remote = {
        "ipAddressV4": f"198.51.100.{number % 250}",
        "organization": {"asn": "64496", "asnOrg": "Example Net", "isp": "Example", "org": "Example"},
        "country": {"countryName": "Exampleland"},
        "city": {"cityName": "Exampletown"},
        "geoLocation": {"lat": 1.25, "lon": -2.5},
    }
    return {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "id": f"{number:032x}",
        "arn": f"arn:aws:guardduty:{REGION}:{ACCOUNT}:detector/12abc34d567e8fa901bc2d34e56789f0/finding/{number:032x}",
        "type": "UnauthorizedAccess:EC2/SSHBruteForce",
        "resource": {
            "resourceType": "Instance",
            "instanceDetails": {
                "instanceId": f"i-{number:017x}",
                "instanceType": "m5.large",
                "outpostArn": None,
                "launchTime": "2026-03-01T08:15:00.000Z",
                "platform": None,
                "productCodes": [],
                "iamInstanceProfile": {"arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web", "id": "AIPAEXAMPLE"},
                "networkInterfaces": [
                    {
                        "ipv6Addresses": [],
                        "networkInterfaceId": f"eni-{number:017x}",
                        "privateDnsName": f"ip-10-0-0-1.{REGION}.compute.internal",
                        "privateIpAddress": "10.0.0.1",
                        "privateIpAddresses": [{"privateDnsName": f"ip-10-0-0-1.{REGION}.compute.internal", "privateIpAddress": "10.0.0.1"}],
                        "subnetId": "subnet-0123456789abcdef0",
                        "vpcId": "vpc-0123456789abcdef0",
                        "securityGroups": [{"groupName": "web", "groupId": "sg-0123456789abcdef0"}],
                        "publicDnsName": "",
                        "publicIp": "203.0.113.7",
                    }
                ],
                "tags": [{"key": "Owner", "value": "payments"}, {"key": "Name", "value": f"web-{number}"}],
                "instanceState": "running",
                "availabilityZone": f"{REGION}a",
                "imageId": "ami-0123456789abcdef0",
                "imageDescription": "an image",
            },
        },
        "service": {
            "serviceName": "guardduty",
            "detectorId": "12abc34d567e8fa901bc2d34e56789f0",
            "action": {
                "actionType": "NETWORK_CONNECTION",
                "networkConnectionAction": {
                    "connectionDirection": "INBOUND",
                    "remoteIpDetails": remote,
                    "remotePortDetails": {"port": 32794, "portName": "Unknown"},
                    "localPortDetails": {"port": 22, "portName": "SSH"},
                    "protocol": "TCP",
                    "blocked": False,
                    "localIpDetails": {"ipAddressV4": "10.0.0.1"},
                },
            },
            "resourceRole": "TARGET",
            "additionalInfo": {"value": "{}", "type": "default"},
            "eventFirstSeen": seen,
            "eventLastSeen": seen,
            "archived": False,
            "count": 7,
        },
        "severity": 2,
        "createdAt": seen,
        "updatedAt": seen,
        "title": f"198.51.100.{number % 250} is performing SSH brute force attacks against i-{number:017x}.",
        "description": f"198.51.100.{number % 250} is performing SSH brute force attacks against i-{number:017x}. " * 2,
    }


def macie(count: int) -> bytes:
    """GetFindings. https://docs.aws.amazon.com/macie/latest/APIReference/findings-describe.html"""
    return _packed({"findings": [_macie(number) for number in range(count)]})


def _macie(number: int) -> dict[str, Any]:
    seen, name = "2026-09-01T10:12:13.456Z", f"bucket-{number // 20}"
    cells = [{"cellReference": None, "column": column, "columnName": f"column {column}", "row": number} for column in range(5)]
    found = {"count": 30, "type": "ADDRESS", "occurrences": {"cells": cells}}
    counted = {"allowsUnencryptedObjectUploads": "TRUE", "effectivePermission": "NOT_PUBLIC"}
    blocked = {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True}
    return {
        "accountId": ACCOUNT,
        "archived": False,
        "category": "CLASSIFICATION",
        "classificationDetails": {
            "detailedResultsLocation": f"s3://results/AWSLogs/{ACCOUNT}/Macie/{REGION}/example.jsonl.gz",
            "jobArn": f"arn:aws:macie2:{REGION}:{ACCOUNT}:classification-job/example",
            "jobId": "example",
            "originType": "SENSITIVE_DATA_DISCOVERY_JOB",
            "result": {
                "additionalOccurrences": False,
                "customDataIdentifiers": {"detections": [], "totalCount": 0},
                "mimeType": "text/csv",
                "sensitiveData": [
                    {
                        "category": "PERSONAL_INFORMATION",
                        "detections": [found],
                        "totalCount": 30,
                    }
                ],
                "sizeClassified": 17200,
                "status": {"code": "COMPLETE", "reason": None},
            },
        },
        "count": 1,
        "createdAt": seen,
        "description": "The S3 object contains personal information such as names, addresses, or identification numbers.",
        "id": f"{number:032x}",
        "partition": "aws",
        "region": REGION,
        "resourcesAffected": {
            "s3Bucket": {
                **counted,
                "arn": f"arn:aws:s3:::{name}",
                "createdAt": seen,
                "defaultServerSideEncryption": {"encryptionType": "AES256", "kmsMasterKeyId": None},
                "name": name,
                "owner": {"displayName": "owner", "id": "7009a8971cd538e11f6b6606438875e7c86c5b672f46db45460ddcd087d36c32"},
                "publicAccess": {
                    "effectivePermission": "NOT_PUBLIC",
                    "permissionConfiguration": {
                        "accountLevelPermissions": {"blockPublicAccess": blocked},
                        "bucketLevelPermissions": {
                            "accessControlList": {"allowsPublicReadAccess": False, "allowsPublicWriteAccess": False},
                            "blockPublicAccess": blocked,
                            "bucketPolicy": {"allowsPublicReadAccess": False, "allowsPublicWriteAccess": False},
                        },
                    },
                },
                "tags": [{"key": "Owner", "value": "payments"}],
            },
            "s3Object": {
                "bucketArn": f"arn:aws:s3:::{name}",
                "eTag": "0123456789abcdef0123456789abcdef",
                "extension": "csv",
                "key": f"exports/{number}.csv",
                "lastModified": seen,
                "path": f"{name}/exports/{number}.csv",
                "publicAccess": False,
                "serverSideEncryption": {"encryptionType": "AES256", "kmsMasterKeyId": None},
                "size": 17200,
                "storageClass": "STANDARD",
                "tags": [],
                "versionId": "",
            },
        },
        "sample": False,
        "schemaVersion": "1.0",
        "severity": {"description": "High", "score": 3},
        "title": "The S3 object contains personal information.",
        "type": "SensitiveData:S3Object/Personal",
        "updatedAt": seen,
    }


def evaluations(count: int) -> bytes:
    """GetComplianceDetailsByConfigRule. https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html"""
    return _packed({"EvaluationResults": [_evaluation(number) for number in range(count)], "NextToken": "more"})


def _evaluation(number: int) -> dict[str, Any]:
    qualifier = {
        "ConfigRuleName": "reporter-instance-protected",
        "EvaluationMode": "DETECTIVE",
        "ResourceId": f"i-{number:017x}",
        "ResourceType": "AWS::EC2::Instance",
    }
    return {
        "Annotation": f"PASS: agent active, policy Base; run 17; {number:032x}",
        "ComplianceType": "COMPLIANT",
        "ConfigRuleInvokedTime": 1_788_000_000.123 + number,
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": 1_788_000_000.123 + number},
        "ResultRecordedTime": 1_788_000_001.5 + number,
    }


def coverage(count: int) -> bytes:
    """ListCoverage. https://docs.aws.amazon.com/inspector/v2/APIReference/API_ListCoverage.html"""
    return _packed({"coveredResources": [_covered(number) for number in range(count)], "nextToken": "more"})


def _covered(number: int) -> dict[str, Any]:
    tags = {"Name": f"web-{number}", "Owner": "payments", "Environment": "cde"}
    return {
        "accountId": ACCOUNT,
        "lastScannedAt": 1_788_000_000.123,
        "resourceId": f"i-{number:017x}",
        "resourceMetadata": {
            "ec2": {
                "amiId": "ami-0123456789abcdef0",
                "platform": "LINUX",
                "tags": tags,
            }
        },
        "resourceType": "AWS_EC2_INSTANCE",
        "scanMode": "EC2_SSM_AGENT_BASED",
        "scanStatus": {"reason": "SUCCESSFUL", "statusCode": "ACTIVE"},
        "scanType": "PACKAGE",
    }


def rules(count: int) -> bytes:
    """A search of Workload Protection's intrusion prevention rules, by the vendor's OpenAPI."""
    return _packed({"intrusionPreventionRules": [_rule(number) for number in range(count)]})


def _rule(number: int) -> dict[str, Any]:
    return {
        "name": f"Example Server Remote Code Execution Vulnerability (CVE-2026-{number:05})",
        "description": "A made-up flaw in a server that handles requests from elsewhere lets whoever sends them run what it should not. " * 5,
        "minimumAgentVersion": "4.0.0.0",
        "applicationTypeID": number % 200 + 1,
        "priority": "normal",
        "severity": "critical",
        "detectOnly": False,
        "eventLoggingDisabled": False,
        "generateEventOnPacketDrop": True,
        "alwaysIncludePacketData": False,
        "debugModeEnabled": False,
        "type": "vulnerability",
        "originalIssue": 1_700_000_000_000,
        "lastUpdated": 1_788_000_000_000,
        "template": "signature",
        "caseSensitive": False,
        "identifier": f"{1_000_000 + number}",
        "CVSSScore": "9.8",
        "CVE": [f"CVE-2026-{number:05}", f"CVE-2025-{number:05}"],
        "alertEnabled": False,
        "recommendationsMode": "enabled",
        "dependsOnRuleIDs": [],
        "ID": number + 1,
    }


def computers(count: int) -> bytes:
    """A search of Workload Protection's computers, expanded as the reporter does, by the vendor's OpenAPI."""
    return _packed({"computers": [_computer(number) for number in range(count)]})


def _computer(number: int) -> dict[str, Any]:
    names = ("antiMalware", "webReputation", "activityMonitoring", "firewall", "intrusionPrevention", "integrityMonitoring", "logInspection")
    reality = {"agentStatus": "active", "agentStatusMessage": "On", "status": "active", "statusMessage": "On"}
    modules = {name: {"state": "on", "moduleStatus": reality, "ruleIDs": list(range(1, 120))} for name in names}
    return {
        "hostName": f"web-{number}",
        "displayName": "",
        "description": "",
        "lastIPUsed": "10.0.0.1",
        "platform": "Amazon Linux 2 (64 bit)",
        "groupID": 17,
        "policyID": 9,
        "assetImportanceID": 0,
        "relayListID": 0,
        "agentFingerPrint": "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
        "agentVersion": "20.0.2.1",
        "lastAgentCommunication": 1_788_000_000_000,
        "lastSendPolicyRequest": 1_788_000_000_000,
        "lastSendPolicySuccess": 1_788_000_000_000,
        "computerStatus": {"agentStatus": "active", "agentStatusMessages": ["Managed (Online)"]},
        "securityUpdates": {"updateStatus": {"status": "up-to-date", "statusMessage": "Up to date"}, "lastChanged": 1_788_000_000_000},
        "ec2VirtualMachineSummary": {"accountID": ACCOUNT, "instanceID": f"i-{number:017x}", "type": "m5.large", "state": "running", "metadata": []},
        **modules,
        "ID": number + 1,
    }


def _packed(page: dict[str, Any]) -> bytes:
    return json.dumps(page, separators=(",", ":")).encode()
