-- When the policy of a key was written: whoever came later by the name of somebody in it is not meant by it.
ALTER TABLE kms_key ADD COLUMN policy_at BIGINT NOT NULL DEFAULT 0;
UPDATE kms_key SET policy_at = created_at;

-- Secrets: what the Secrets Manager API administers. suffix is what the ARN ends in; policy is the text as it was written, tags a
-- JSON object. deleted_at and erased_at are set while a secret waits for its end.
CREATE TABLE secret(
    account TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    suffix TEXT NOT NULL,
    description TEXT NOT NULL,
    kms_key TEXT,
    policy TEXT,
    policy_at BIGINT NOT NULL,
    tags TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    deleted_at BIGINT,
    erased_at BIGINT,
    PRIMARY KEY(account, name)
);
CREATE INDEX secret_erasure ON secret(erased_at) WHERE erased_at IS NOT NULL;

-- Values of secrets, each encrypted under a data key that is wrapped under a key of kms_key, and bound to secret and version.
-- stages is a JSON list.
CREATE TABLE secret_version(
    account TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    stages TEXT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    key_arn TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, name, id)
);
