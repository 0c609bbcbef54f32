-- Who used the CPU: each name once, and blobs of numbers that refer to it. A row of `blame_tick` is what was read for a
-- tick; the others are sums of such rows, cut to the first names. What is over is packed, many rows as one.
CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE blame_tick(
            time INTEGER PRIMARY KEY, since INTEGER NOT NULL CHECK(since < time), shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_minute(
            time INTEGER PRIMARY KEY CHECK(time % 60 = 0), since INTEGER NOT NULL CHECK(since < time),
            shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_quarter_hour(
            time INTEGER PRIMARY KEY CHECK(time % 900 = 0), since INTEGER NOT NULL CHECK(since < time),
            shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_quarter_day(
            time INTEGER PRIMARY KEY CHECK(time % 21600 = 0), since INTEGER NOT NULL CHECK(since < time),
            shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_tick_packed(time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_minute_packed(time INTEGER PRIMARY KEY CHECK(time % 3600 = 0), shares BLOB NOT NULL) STRICT;
CREATE TABLE blame_quarter_hour_packed(time INTEGER PRIMARY KEY CHECK(time % 86400 = 0), shares BLOB NOT NULL) STRICT;
