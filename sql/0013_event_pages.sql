-- Events come by the thousand with a large commit and are read by their numbers alone: they lie in pages of successive
-- numbers, an element of each list for one event. No number is in two pages.
CREATE TABLE event_pages (
    first bigint NOT NULL CHECK (first > 0),
    last bigint PRIMARY KEY,
    at_us bigint[] NOT NULL,            -- microseconds since 1970
    kinds text[] NOT NULL,
    subjects uuid[] NOT NULL,
    subject_names text[] NOT NULL,
    messages text[] NOT NULL,
    CHECK (cardinality(at_us) = last - first + 1
        AND cardinality(kinds) = last - first + 1
        AND cardinality(subjects) = last - first + 1
        AND cardinality(subject_names) = last - first + 1
        AND cardinality(messages) = last - first + 1),
    EXCLUDE USING gist (int8range(first, last, '[]') WITH &&)
);
INSERT INTO event_pages (first, last, at_us, kinds, subjects, subject_names, messages)
    SELECT min(number), max(number), array_agg((extract(epoch FROM at) * 1000000)::bigint ORDER BY number),
           array_agg(kind ORDER BY number), array_agg(subject ORDER BY number), array_agg(subject_name ORDER BY number),
           array_agg(message ORDER BY number)
      FROM (SELECT *, number - row_number() OVER (ORDER BY number) AS gaps FROM events) AS e
     GROUP BY gaps, number / 16;
DROP TABLE events;      -- nothing is lost: they are in event_pages, and the view of the same name shows them
CREATE VIEW events AS
    SELECT p.first + e.place - 1 AS number, timestamptz 'epoch' + e.at_us * interval '1 microsecond' AS at, e.kind,
           e.subject, e.subject_name, e.message
      FROM event_pages AS p, unnest(p.at_us, p.kinds, p.subjects, p.subject_names, p.messages)
           WITH ORDINALITY AS e (at_us, kind, subject, subject_name, message, place);
