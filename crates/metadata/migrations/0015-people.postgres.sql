-- Passwords of users. hash is argon2id. id names the password: another password, another id, so that whatever came of the one
-- before is worth nothing.
CREATE TABLE login_profile(
    account TEXT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    hash TEXT COLLATE "C" NOT NULL,
    must_change BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY(account, user_id)
);

-- Personal tokens: what people give to programs in place of their password. hash is SHA-256 in hex; policy, where there is one, is
-- what the token is narrowed to.
CREATE TABLE personal_token(
    id TEXT COLLATE "C" PRIMARY KEY,
    account TEXT NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL UNIQUE,
    policy TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX personal_token_user ON personal_token(account, user_id, id);
