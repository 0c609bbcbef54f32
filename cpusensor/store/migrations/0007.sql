CREATE TABLE cursor(
    -- How far each receiver of samples has got.
    receiver TEXT PRIMARY KEY,    -- its address, and a digest of all that tells two receivers apart
    time INTEGER NOT NULL         -- UTC Unix seconds: it has what was recorded until then, and is sent what follows
) STRICT;
