"""EC2 and Auto Scaling: instances in XML of the size of real ones (3.1 KB), one interface each, no groups."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.estate.call import Call, Made
from bench.estate.size import Estate, instance_id, token

_NS = "http://ec2.amazonaws.com/doc/2016-11-15/"
_ITEM = (
    b"<item><reservationId>r-%(token)b</reservationId><ownerId>%(account)b</ownerId><groupSet/><instancesSet><item>"
    b"<instanceId>%(id)b</instanceId><imageId>ami-0%(image)016x</imageId><instanceState><code>%(code)d</code><name>%(state)b</name></instanceState>"
    b"<privateDnsName>ip-%(dashed)b.%(region)b.compute.internal</privateDnsName><dnsName/><reason/><keyName>web</keyName>"
    b"<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>m5.large</instanceType><launchTime>%(launched)b</launchTime>"
    b"<placement><availabilityZone>%(region)ba</availabilityZone><groupName/><tenancy>default</tenancy></placement>"
    b"<monitoring><state>disabled</state></monitoring><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId>"
    b"<privateIpAddress>%(address)b</privateIpAddress><sourceDestCheck>true</sourceDestCheck>"
    b"<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
    b"<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>"
    b"<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-%(token)b</volumeId><status>attached</status>"
    b"<attachTime>%(launched)b</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>"
    b"<virtualizationType>hvm</virtualizationType><clientToken>%(token)b</clientToken><tagSet>"
    b"<item><key>Name</key><value>web-%(number)d</value></item><item><key>Owner</key><value>team-%(owner)d</value></item>"
    b"<item><key>Environment</key><value>%(environment)b</value></item><item><key>aws:autoscaling:groupName</key><value>web</value></item></tagSet>"
    b"<hypervisor>xen</hypervisor><networkInterfaceSet><item><networkInterfaceId>eni-%(token)b</networkInterfaceId>"
    b"<subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><description/><ownerId>%(account)b</ownerId>"
    b"<status>in-use</status><macAddress>02:00:00:00:00:01</macAddress><privateIpAddress>%(address)b</privateIpAddress>"
    b"<privateDnsName>ip-%(dashed)b.%(region)b.compute.internal</privateDnsName><sourceDestCheck>true</sourceDestCheck>"
    b"<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
    b"<attachment><attachmentId>eni-attach-%(token)b</attachmentId><deviceIndex>0</deviceIndex><status>attached</status>"
    b"<attachTime>%(launched)b</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>"
    b"<privateIpAddressesSet><item><privateIpAddress>%(address)b</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>"
    b"<ipv6AddressesSet/><interfaceType>interface</interfaceType></item></networkInterfaceSet>"
    b"<iamInstanceProfile><arn>arn:aws:iam::%(account)b:instance-profile/%(profile)b</arn><id>AIPAEXAMPLEEXAMPLE001</id></iamInstanceProfile>"
    b"<ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport><cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>"
    b"<capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference></capacityReservationSpecification>"
    b"<hibernationOptions><configured>false</configured></hibernationOptions><metadataOptions><state>applied</state><httpTokens>required</httpTokens>"
    b"<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>"
    b"<enclaveOptions><enabled>false</enabled></enclaveOptions><bootMode>uefi-preferred</bootMode><platformDetails>Linux/UNIX</platformDetails>"
    b"<usageOperation>RunInstances</usageOperation></item></instancesSet></item>"
)
_INTERFACE = (
    b"<item><networkInterfaceId>eni-%(token)b</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId>"
    b"<availabilityZone>%(region)ba</availabilityZone><description/><ownerId>%(account)b</ownerId><requesterManaged>false</requesterManaged>"
    b"<status>in-use</status><macAddress>02:00:00:00:00:01</macAddress><privateIpAddress>%(address)b</privateIpAddress><sourceDestCheck>true</sourceDestCheck>"
    b"<groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>web</groupName></item></groupSet>"
    b"<attachment><attachmentId>eni-attach-%(token)b</attachmentId><instanceId>%(id)b</instanceId><instanceOwnerId>%(account)b</instanceOwnerId>"
    b"<deviceIndex>0</deviceIndex><status>attached</status><deleteOnTermination>true</deleteOnTermination></attachment><tagSet/>"
    b"<privateIpAddressesSet><item><privateIpAddress>%(address)b</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>"
    b"<interfaceType>interface</interfaceType></item>"
)


def _values(estate: Estate, number: int) -> dict[bytes, object]:
    account, region = estate.place(number)
    launched = datetime.fromtimestamp(int(estate.now) - int(estate.days[number]) * 86_400, UTC)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    stopped = bool(estate.stopped[number])
    return {
        b"token": token(number)[:17].encode(),
        b"account": account.encode(),
        b"region": region.encode(),
        b"id": instance_id(number).encode(),
        b"number": number,
        b"image": number % 40,
        b"owner": int(estate.owner[number]),
        b"environment": b"cde" if number % 5 == 0 else b"other",
        b"profile": b"web" if number // estate.size.accounts % 2 else b"batch",
        b"launched": launched.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode(),
        b"address": address.encode(),
        b"dashed": address.replace(".", "-").encode(),
        b"code": 80 if stopped else 16,
        b"state": b"stopped" if stopped else b"running",
    }


def _listed(call: Call, form: bytes, list_name: str) -> bytes:
    hosts, after = call.page(call.estate.instances(call.account, call.region), "MaxResults", 1000, "NextToken")
    going_on = f"<nextToken>{after}</nextToken>" if after else ""
    head = f'<{call.operation}Response xmlns="{_NS}"><requestId>0</requestId><{list_name}>'
    return b"".join(
        (head.encode(), *(form % _values(call.estate, host) for host in hosts), f"</{list_name}>{going_on}</{call.operation}Response>".encode())
    )


def _instances(call: Call) -> Made:
    return _listed(call, _ITEM, "reservationSet")


def _interfaces(call: Call) -> Made:
    return _listed(call, _INTERFACE, "networkInterfaceSet")


def _regions(call: Call) -> Made:
    names = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item>"
        for name in call.estate.size.places
    )
    return f'<DescribeRegionsResponse xmlns="{_NS}"><requestId>0</requestId><regionInfo>{names}</regionInfo></DescribeRegionsResponse>'.encode()


def _groups(_: Call) -> Made:
    return (
        b'<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/"><DescribeAutoScalingGroupsResult>'
        b"<AutoScalingGroups/></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    )


ANSWERS = {
    ("ec2", "DescribeInstances"): _instances,
    ("ec2", "DescribeNetworkInterfaces"): _interfaces,
    ("ec2", "DescribeRegions"): _regions,
    ("autoscaling", "DescribeAutoScalingGroups"): _groups,
}
