-- The account in which something changed last that decisions about access know, by what the number access-revision (table
-- setting) was raised to with it: whoever serves reads those accounts again, and no others.
CREATE TABLE access_change(
    account TEXT PRIMARY KEY,
    revision BIGINT NOT NULL
);
CREATE INDEX access_change_revision ON access_change(revision);
-- Trust policies name users and roles of any account by their unique ids.
CREATE INDEX identity_id ON identity(id);
