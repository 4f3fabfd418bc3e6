"""Can this role reach the objects of that bucket? Decided from the policies alone, in three values: allowed, conditional, denied.

Decided
    Explicit denies in any policy; service control policies at every level from the root to the account (not for the management account,
    not for service-linked roles); resource control policies of the bucket's account; the union of identity and bucket policy inside one
    account, their intersection across accounts; the permissions boundary, which also caps a grant to the role's ARN but not a grant to
    one of its sessions or to everybody; delegation to an account against a grant to the role; RestrictPublicBuckets of bucket and account;
    grants of the bucket's ACL; wildcards, NotAction, NotResource, NotPrincipal, policy variables. A grant or a denial for some keys only is
    compared key set by key set: a role reaches the bucket if there is one possible key that it reaches.
    Known when a condition is judged: the role, its account and type, the bucket's account and region, that the caller uses TLS and calls S3
    itself, without an AWS service in between (context.py has the list).

Stays open (conditional)
    Every other condition: network (aws:SourceIp, aws:SourceVpce, ...), MFA, time, tags, session names, request headers, and organisation ids
    (they are not in the tables). Every policy that could not be read or is malformed. Objects of a bucket whose default key is a customer
    managed KMS key: KMS's key policy is not read. Where the role's own policies allow kms:Decrypt (reading) or kms:GenerateDataKey (writing)
    on a key of the role's account, the key policy is taken to delegate to IAM, as the one that KMS creates does; else the answer is conditional.

Not looked at
    Access points and S3 Access Grants, session policies, who may assume the role (the trust chain), ACLs of single objects, VPC endpoint
    policies, and object versions: the actions asked are s3:GetObject, s3:PutObject and s3:DeleteObject.

Source: AWS IAM User Guide, "Policy evaluation logic"; Amazon S3 User Guide, "Blocking public access" and "Access control list overview".
"""
