-- Keys that others are wrapped under: what the KMS API administers. state is 'Enabled', 'Disabled' or 'PendingDeletion', and
-- deletion_at is set in the last; manager is 'CUSTOMER' or 'AWS'. version is the newest of its material. rotation_days is kept
-- while rotation is off, when next_rotation_at is not set. policy is the text as it was written, tags a JSON object.
CREATE TABLE kms_key(
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    description TEXT NOT NULL,
    spec TEXT NOT NULL,
    usage TEXT NOT NULL,
    manager TEXT NOT NULL,
    state TEXT NOT NULL,
    deletion_at BIGINT,
    rotation_days BIGINT NOT NULL,
    next_rotation_at BIGINT,
    version BIGINT NOT NULL,
    policy TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, id)
);
CREATE INDEX kms_key_deletion ON kms_key(deletion_at) WHERE deletion_at IS NOT NULL;
CREATE INDEX kms_key_rotation ON kms_key(next_rotation_at) WHERE next_rotation_at IS NOT NULL;

-- What keys are made of, each version wrapped under a key that is not in the database and bound to account, key and version.
CREATE TABLE kms_material(
    account TEXT NOT NULL,
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    is_on_demand BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, key_id, version)
);

-- Names of keys, with alias/ before them.
CREATE TABLE kms_alias(
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY(account, name)
);
CREATE INDEX kms_alias_key ON kms_alias(account, key_id, name);
