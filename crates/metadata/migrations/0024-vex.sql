-- VEX documents that somebody uploaded, packed. prefix: of which repositories they speak, empty for all of the account; a
-- repository is one of these where its name is the prefix, or goes on with a slash after it. id rises with time.
CREATE TABLE vex_document(
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    prefix TEXT NOT NULL,
    name TEXT NOT NULL,
    statements BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    uploaded_by TEXT NOT NULL,
    body BYTEA NOT NULL
);
CREATE INDEX vex_document_of ON vex_document(account, region, id);
