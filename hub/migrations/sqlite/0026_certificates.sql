-- A key may be borne by a certificate, by its thumbprint, instead of by a secret.
ALTER TABLE api_keys ADD COLUMN certificate TEXT;
