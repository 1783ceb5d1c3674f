-- Personal tokens of people from outside: who he is, as his login said it, in JSON. There user_id is no user's, but says who he is to
-- his provider.
ALTER TABLE personal_token ADD COLUMN person TEXT;
