-- Accounts besides the site's own, which has no row: its root user's key is not in the database. root_secret is sealed: it
-- opens for this key of this account, with a key that is not in the database.
-- The table was there from the start, and nothing was ever written to it.
DROP TABLE account;
CREATE TABLE account(
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    root_key_id TEXT COLLATE "C" NOT NULL UNIQUE,
    root_secret TEXT NOT NULL,
    root_key_made_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
