-- Who is logged in at the pages: by the hash of what his browser carries. Who he is, is the issuer and his subject there; groups is
-- a JSON array. ends_at is the latest; a session that is not used ends before.
CREATE TABLE page_session(
    hash TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    groups TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX page_session_end ON page_session(ends_at);

-- Terminals that wait to be let in, by the hashes of what they carry and of what a person types for them. state is 'waiting',
-- 'approved' or 'refused'; approver is a JSON object: who let it in, and his groups.
CREATE TABLE device_login(
    device_hash TEXT PRIMARY KEY,
    user_hash TEXT NOT NULL,
    account TEXT NOT NULL,
    program TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    polled_at BIGINT NOT NULL,
    interval_seconds BIGINT NOT NULL,
    approver TEXT
);
CREATE UNIQUE INDEX device_login_user ON device_login(user_hash);
CREATE INDEX device_login_end ON device_login(ends_at);
CREATE INDEX device_login_source ON device_login(source);
