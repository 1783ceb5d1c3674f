-- When the policy of a key was written: whoever came later by the name of somebody in it is not meant by it.
ALTER TABLE kms_key ADD COLUMN policy_at BIGINT NOT NULL DEFAULT 0;
UPDATE kms_key SET policy_at = created_at;
