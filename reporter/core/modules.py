"""The protection modules of Workload Protection."""

MODULES: dict[str, str] = {
    "anti_malware": "antiMalware",
    "web_reputation": "webReputation",
    "activity_monitoring": "activityMonitoring",
    "firewall": "firewall",
    "intrusion_prevention": "intrusionPrevention",
    "integrity_monitoring": "integrityMonitoring",
    "log_inspection": "logInspection",
    "application_control": "applicationControl",
}
"""Our name of a protection module -> the API's property. Device control is missing: the v1 API does not show it."""
