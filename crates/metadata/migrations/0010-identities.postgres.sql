-- Users, groups and roles: kind is 'user', 'group' or 'role'. id is the unique id that everything else refers to, so that a
-- new name moves nothing. name_key is the name in lower case: names are unique without regard to case. tags is a JSON object.
-- Of roles: trust is the policy that says who may become it, as it was written, and trust_bindings JSON that says
-- which unique ids the ARNs in it had then. Of robots: networks is a JSON array, expires_at when they end.
CREATE TABLE identity(
    account TEXT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    boundary TEXT COLLATE "C",
    tags TEXT NOT NULL,
    trust TEXT,
    trust_bindings TEXT,
    session_seconds_max BIGINT NOT NULL,
    is_robot BIGINT NOT NULL,
    expires_at BIGINT,
    networks TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, id)
);
CREATE UNIQUE INDEX identity_name ON identity(account, kind, name_key);
CREATE INDEX identity_boundary ON identity(account, boundary) WHERE boundary IS NOT NULL;

-- Which users are in which groups, by their unique ids.
CREATE TABLE membership(
    account TEXT NOT NULL,
    group_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY(account, group_id, user_id)
);
CREATE INDEX membership_user ON membership(account, user_id, group_id);

-- Managed policies. Their versions count from 1, and no number is given twice.
CREATE TABLE managed_policy(
    account TEXT NOT NULL,
    arn TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    name_key TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL,
    tags TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY(account, arn)
);
CREATE UNIQUE INDEX managed_policy_name ON managed_policy(account, name_key);

CREATE TABLE managed_policy_version(
    account TEXT NOT NULL,
    arn TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, arn, number)
);

-- Managed policies of users, groups and roles. Built-in policies have no row of their own, only here.
CREATE TABLE policy_attachment(
    account TEXT NOT NULL,
    identity_id TEXT COLLATE "C" NOT NULL,
    policy_arn TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY(account, identity_id, policy_arn)
);
CREATE INDEX policy_attachment_policy ON policy_attachment(account, policy_arn, identity_id);

-- Policies that are part of one user, group or role. Their names are told apart by case.
CREATE TABLE inline_policy(
    account TEXT NOT NULL,
    identity_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY(account, identity_id, name)
);

-- Access keys. secret is sealed: it opens for this key of this user, with a key that is not in the database. previous is the
-- secret before it, good until previous_until.
CREATE TABLE access_key(
    id TEXT COLLATE "C" PRIMARY KEY,
    account TEXT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    secret TEXT NOT NULL,
    previous TEXT,
    previous_until BIGINT,
    is_active BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    used_service TEXT,
    used_region TEXT
);
CREATE INDEX access_key_user ON access_key(account, user_id, id);

-- Who vouches for identities from outside. client_ids and thumbprints are JSON arrays, tags a JSON object.
CREATE TABLE oidc_provider(
    account TEXT NOT NULL,
    arn TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    client_ids TEXT NOT NULL,
    thumbprints TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, arn)
);

-- The name of an account beside its number.
CREATE TABLE account_alias(
    account TEXT PRIMARY KEY,
    alias TEXT COLLATE "C" NOT NULL UNIQUE
);

-- Raised with every change that may change a decision about the account: replicas notice by it.
CREATE TABLE identity_revision(
    account TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);
