-- What searches look in. Nothing of it is written by a push: who reads configurations afterwards does it, from the events.

-- Every image, in the trash or not, once its configuration was read. What never happened is -1. An index for each order, in which the
-- digest and the repository make each place one of its own.
CREATE TABLE image_order(
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    pushed_at BIGINT NOT NULL,
    tagged_at BIGINT NOT NULL,
    pulled_at BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY(repository, digest)
);
CREATE INDEX image_order_pushed ON image_order(pushed_at, digest, repository);
CREATE INDEX image_order_tagged ON image_order(tagged_at, digest, repository);
CREATE INDEX image_order_pulled ON image_order(pulled_at, digest, repository);
CREATE INDEX image_order_bytes ON image_order(bytes, digest, repository);

-- What configurations say: kind 'label' with the label's name and value, kind 'platform' with os/architecture[/variant] for a name and
-- no value; an index has the platforms of its descriptors. Long ones are cut, or left out.
CREATE TABLE image_property(
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY(repository, digest, kind, name)
);
CREATE INDEX image_property_value ON image_property(kind, name, value, repository, digest);

-- Images whose configuration could not be read, and from when on it is tried again.
CREATE TABLE image_unread(
    repository BIGINT NOT NULL,
    digest TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY(repository, digest)
);
CREATE INDEX image_unread_due ON image_unread(due_at, repository, digest);
