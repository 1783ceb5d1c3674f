-- Searches by two things at once, by what few records have (a refusal), and by action.
CREATE INDEX audit_record_outcome ON audit_record(account, outcome, at, writer, seq) WHERE outcome <> 0;
CREATE INDEX audit_record_principal_outcome ON audit_record(principal, outcome, at, writer, seq) WHERE outcome <> 0;
CREATE INDEX audit_record_repository_outcome ON audit_record(repository, outcome, at, writer, seq)
    WHERE outcome <> 0 AND repository <> 0;
CREATE INDEX audit_record_repository_principal ON audit_record(repository, principal, at, writer, seq)
    WHERE repository <> 0;
CREATE INDEX audit_record_action ON audit_record(action, at, writer, seq);

-- When a record named somebody last, to the day: with the last record that names him his name goes. Of those who were named
-- before this was written down, the last record stands for theirs.
ALTER TABLE audit_person ADD COLUMN named_at BIGINT NOT NULL DEFAULT 0;
UPDATE audit_person SET named_at = COALESCE((SELECT max(at) FROM audit_record), 0);
CREATE INDEX audit_person_named ON audit_person(named_at, token);
