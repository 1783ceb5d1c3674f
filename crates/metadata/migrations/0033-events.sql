-- The feed of events: in which order they are told to those who follow them. event.handled is the number of an event in the feed of
-- its account, from 1 on and without gaps, given once it is committed and somebody asks; 0 until then. Its id is no such order: that is
-- drawn before the commit, and by another clock on each server.
CREATE INDEX event_feed_number ON event(account, handled, id);

-- The last number that was given in the feed of an account.
CREATE TABLE event_feed(
    account TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);

-- Of which image a flaw was told in the event of Inspector, as JSON: so that it can be closed when it is gone.
ALTER TABLE finding_history ADD COLUMN told TEXT;
