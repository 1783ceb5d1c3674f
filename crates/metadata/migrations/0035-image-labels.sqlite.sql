-- Labels that people give images here. They are no part of the digest, stay with an image in the trash, and go with it.
CREATE TABLE image_label(
    repository BIGINT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY(repository, digest, name)
) WITHOUT ROWID;
CREATE INDEX image_label_value ON image_label(name, value, repository, digest);
