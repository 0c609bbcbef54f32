-- The samples and the minutes of an hour that is over for long, without loss in two compressed blobs (sealed.py); what they
-- hold is in no other table. A blob is NULL where nothing is kept of that resolution: then `tier` has a row for 'sample'
-- or 'minute' that says from when on it is.
CREATE TABLE sealed_hour(
            time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), count INTEGER NOT NULL, first_sample INTEGER,
            last_sample INTEGER, last_minute INTEGER, runs TEXT NOT NULL, minutes BLOB, samples BLOB) STRICT;
