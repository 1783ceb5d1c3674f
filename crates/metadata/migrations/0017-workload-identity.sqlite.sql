-- What a provider is besides what IAM's API knows of it. key_set is what was uploaded in place of asking it for its keys, as a JWK
-- set; authorities are certificates in PEM that are believed in place of the machine's when it is asked. Of one that is single use
-- each token is taken once.
ALTER TABLE oidc_provider ADD COLUMN key_set TEXT;
ALTER TABLE oidc_provider ADD COLUMN authorities TEXT;
ALTER TABLE oidc_provider ADD COLUMN is_single_use BIGINT NOT NULL DEFAULT 0;

-- Tokens of such providers that were taken, by the SHA-256 of what names them, until they have ended by themselves.
CREATE TABLE identity_token(
    account TEXT NOT NULL,
    provider TEXT NOT NULL,
    hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY(account, provider, hash)
);
CREATE INDEX identity_token_end ON identity_token(expires_at);

-- Roles of which all sessions that began earlier are worth nothing.
CREATE TABLE session_revocation(
    account TEXT NOT NULL,
    role_id TEXT NOT NULL,
    revoked_before BIGINT NOT NULL,
    PRIMARY KEY(account, role_id)
);
