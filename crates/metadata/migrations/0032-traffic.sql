-- How often an image was pulled and pushed on a day, by whom and from where. day: days since 1970, of UTC. actor: the principal as the
-- audit names it. network: as CIDR writes it, '' where a request came from none. digest, actor and network are '' where there were
-- more rows than are kept apart. pulls: those that count; uncounted_pulls: those of principals whose pulls do not.
CREATE TABLE traffic_day(
    repository BIGINT NOT NULL,
    day BIGINT NOT NULL,
    digest TEXT NOT NULL,
    actor TEXT NOT NULL,
    network TEXT NOT NULL,
    pulls BIGINT NOT NULL,
    uncounted_pulls BIGINT NOT NULL,
    pushes BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY(repository, day, digest, actor, network)
);
CREATE INDEX traffic_day_by_day ON traffic_day(day);
