-- The version of the fold of its feed that a webhook's place was told in; 0 of `records`, which is
-- no fold. What was subscribed to before is of the versions that there were.
ALTER TABLE subscriptions ADD COLUMN fold INTEGER NOT NULL DEFAULT 1;
UPDATE subscriptions SET fold = CASE feed WHEN 'records' THEN 0 WHEN 'findings' THEN 2 ELSE 1 END;
