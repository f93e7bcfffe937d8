-- Webhooks of one code: only what is about dossiers that bear it is sent. All that is, where there
-- is none.
ALTER TABLE subscriptions ADD COLUMN dossier TEXT;
