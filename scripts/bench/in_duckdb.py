"""The six main rules in DuckDB, as a user would script them: exports in, discrepancies and three correction files out.

    in_duckdb.py INBOX OUTPUT AS_OF
"""

import sys
from pathlib import Path

import duckdb

MACROS = """
-- Salesforce ids with all 18 characters; anything else as it stands.
CREATE MACRO run_of(id, first) AS substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + list_sum([
    (1 << j) * (substr(id, first + j, 1) BETWEEN 'A' AND 'Z')::INT FOR j IN range(5)
])::BIGINT, 1);
CREATE MACRO full_id(id) AS CASE
    WHEN length(trim(id)) = 15 AND regexp_full_match(trim(id), '(003|00Q)[0-9A-Za-z]{12}')
    THEN trim(id) || run_of(trim(id), 1) || run_of(trim(id), 6) || run_of(trim(id), 11)
    ELSE trim(id) END;
-- Addresses in one spelling; what is none is blank.
CREATE MACRO bare(cell) AS regexp_replace(trim(lower(trim(cell)), '<>'), '^mailto:', '');
CREATE MACRO address(cell) AS CASE WHEN regexp_full_match(bare(cell), '[^@\\s;]+@[^@\\s;]+\\.[^@\\s;.]+') THEN bare(cell) END;
CREATE MACRO by_word(word, blank) AS CASE
    WHEN word IS NULL THEN blank
    WHEN lower(word) IN ('true', 'yes', 'y', 'on', '1') THEN 'out'
    WHEN lower(word) IN ('false', 'no', 'n', 'off', '0') THEN 'in'
    ELSE 'unreadable' END;
-- Of rows with one key an opted-out one counts, else a blank one.
CREATE MACRO strictness(opt) AS list_position(['out', 'blank', 'held', 'removed', 'in', 'unreadable'], opt);
CREATE MACRO day(cell) AS try_strptime(cell, '%m/%d/%Y')::DATE;
"""

READ = """
CREATE TABLE contacts AS
WITH everybody AS (
    SELECT Id AS contact_id, Email AS email, UCB_Email__c AS campus, HasOptedOutOfEmail AS word, Ascend_ID__c AS source_id,
        Email_Opt_In_Date__c AS opted_in, Email_Opt_In_Channel__c AS evidence
    FROM read_csv('{inbox}/salesforce_contacts_*.csv', {options})
    WHERE Id IS NOT NULL
    UNION ALL
    SELECT "Lead ID", Email, "UCB Email", "Email Opt Out", "Ascend ID", "Email Opt In Date", "Email Opt In Channel"
    FROM read_csv('{inbox}/salesforce_leads_*.csv', {options}, null_padding = true)
    WHERE "Lead ID" LIKE '00Q%'
), spelled AS (
    SELECT full_id(contact_id) AS contact_id, address(email) AS email, address(campus) AS campus, word, source_id, opted_in,
        evidence, by_word(word, 'in') AS opt
    FROM everybody
), repeated AS (SELECT contact_id FROM spelled GROUP BY ALL HAVING count(*) > 1)
SELECT * FROM spelled ANTI JOIN repeated USING (contact_id)
UNION ALL
FROM (SELECT DISTINCT ON (contact_id) * FROM spelled SEMI JOIN repeated USING (contact_id) ORDER BY strictness(opt));

CREATE TABLE subscribers AS
WITH spelled AS (
    SELECT full_id(SubscriberKey) AS record, coalesce(address(EmailAddress), address(SubscriberKey)) AS email, Status AS value,
        DateUnsubscribed AS out_at, CASE
            WHEN Status IS NULL THEN 'blank'
            WHEN lower(Status) IN ('active', 'normal', 'bounced', 'bounced (returned)') THEN 'in'
            WHEN lower(Status) IN ('unsubscribed', 'unsub') THEN 'out'
            WHEN lower(Status) IN ('held', 'undeliverable', 'held (undeliverable)') THEN 'held'
            WHEN lower(Status) = 'deleted' THEN 'removed'
            ELSE 'unreadable' END AS opt
    FROM read_csv('{inbox}/marketing_cloud_subscribers_*.csv', {options})
), repeated AS (SELECT record FROM spelled WHERE record IS NOT NULL GROUP BY ALL HAVING count(*) > 1),
rows AS (
    SELECT * FROM spelled ANTI JOIN repeated USING (record)
    UNION ALL
    FROM (SELECT DISTINCT ON (record) * FROM spelled SEMI JOIN repeated USING (record) ORDER BY strictness(opt))
), units AS (
    SELECT DISTINCT ON (record, unit) full_id(SubscriberKey) AS record, BusinessUnitID AS unit, UnsubDateUTC AS out_at
    FROM read_csv('{inbox}/marketing_cloud_unit_*.csv', {options})
), together AS (
    SELECT record, email, value, out_at, opt, NULL AS unit FROM rows
    UNION ALL
    SELECT record, coalesce(rows.email, address(record)), NULL, units.out_at, 'out', unit
    FROM units LEFT JOIN rows USING (record)
)
SELECT row_number() OVER () AS ix, *, upper(record) AS contact, NULL::VARCHAR AS source_id FROM together;

-- One row a constituent with a code that holds on the day of the run.
CREATE TABLE codes AS
WITH spelled AS (
    SELECT "Constituent ID" AS source_id, upper(Code) AS code, day("Start Date") AS start, day("End Date") AS until,
        lower(Status) AS status
    FROM read_csv('{inbox}/ascend_preferences_*.csv', {options})
), current AS (
    SELECT source_id, start, code IN ('NE', 'NC') OR code LIKE 'AWR%' AS is_out,
        is_out OR code IN ('NES', 'NS', 'ALX', 'EVI', 'MAG') AS is_known
    FROM spelled
    WHERE coalesce(status, '') NOT IN ('inactive', 'ended', 'expired', 'false', 'no', 'n', '0')
        AND coalesce(start <= getvariable('today'), true) AND coalesce(until >= getvariable('today'), true)
)
SELECT source_id, bool_or(is_out) AS code_out, bool_or(is_out AND start IS NULL) AS code_undated,
    max(start) FILTER (is_out) AS code_day, bool_or(NOT is_known) AS stopped
FROM current GROUP BY source_id;

CREATE TABLE constituents AS
WITH spelled AS (
    SELECT "Constituent ID" AS source_id, upper(full_id("Salesforce Contact ID")) AS contact, address(Email) AS email,
        "Email Opt Out" AS value, "Opt Out Date" AS out_on, by_word("Email Opt Out", 'blank') AS opt
    FROM read_csv('{inbox}/ascend_constituents_*.csv', {options})
), repeated AS (SELECT source_id FROM spelled WHERE source_id IS NOT NULL GROUP BY ALL HAVING count(*) > 1),
rows AS (
    SELECT * FROM spelled ANTI JOIN repeated USING (source_id)
    UNION ALL
    FROM (SELECT DISTINCT ON (source_id) * FROM spelled SEMI JOIN repeated USING (source_id) ORDER BY strictness(opt))
)
SELECT row_number() OVER () AS ix, source_id AS record, source_id, contact, email, value, NULL::VARCHAR AS unit, out_on,
    opt = 'out' AS boxed, code_undated, code_day, stopped,
    CASE WHEN code_out AND opt <> 'unreadable' THEN 'out' ELSE opt END AS opt
FROM rows LEFT JOIN codes USING (source_id);

CREATE TABLE people AS
SELECT row_number() OVER () AS person, *, upper(contact_id) AS contact FROM contacts;
CREATE TABLE addresses AS
SELECT person, email FROM people WHERE email IS NOT NULL
UNION
SELECT person, campus FROM people WHERE campus IS NOT NULL;
"""

# Records with their contacts by id, else by constituent id, else by address.
TIE = """
CREATE TABLE {side}_by_id AS
SELECT {side}.* REPLACE (CASE WHEN contact = upper(record) THEN contact_id ELSE record END AS record), person, 1 AS belongs
FROM {side} JOIN people USING (contact);
CREATE TABLE {side}_by_source AS
SELECT {side}.*, person, 1 AS belongs
FROM {side} ANTI JOIN {side}_by_id USING (ix) JOIN people USING (source_id);
CREATE TABLE {side}_rest AS FROM {side} ANTI JOIN {side}_by_id USING (ix) ANTI JOIN {side}_by_source USING (ix);
CREATE TABLE {side}_tied AS
FROM {side}_by_id
UNION ALL BY NAME FROM {side}_by_source
UNION ALL BY NAME
SELECT {side}_rest.*, person, count(*) OVER (PARTITION BY ix) AS belongs FROM {side}_rest JOIN addresses USING (email);
CREATE TABLE {side}_strange AS FROM {side}_rest ANTI JOIN addresses USING (email);
"""

COMPARE = """
CREATE TABLE strangers AS
SELECT (SELECT count(*) FROM people) + row_number() OVER () AS person, * FROM constituents_strange WHERE source_id IS NOT NULL;

CREATE TABLE records AS
SELECT 'salesforce' AS system, person, contact_id AS record, email, word AS value, opt, NULL AS unit FROM people
UNION ALL SELECT 'marketing_cloud', person, record, email, value, opt, unit FROM subscribers_tied
UNION ALL
SELECT 'marketing_cloud', strangers.person, s.record, s.email, s.value, s.opt, s.unit
FROM subscribers_strange AS s JOIN strangers USING (email)
UNION ALL SELECT 'ascend', person, record, email, value, opt, unit FROM constituents_tied
UNION ALL SELECT 'ascend', person, record, email, value, opt, unit FROM strangers;

-- People with an evidenced opt-in that is later than every opt-out of theirs.
CREATE TABLE opted_in AS
SELECT person, day(opted_in) AS in_day,
    coalesce(try_strptime(opted_in, '%Y-%m-%dT%H:%M:%S.%gZ'), in_day::TIMESTAMP) AS in_from
FROM people
WHERE opted_in IS NOT NULL AND evidence IS NOT NULL AND opt = 'in'
    AND in_from <= getvariable('as_of') + INTERVAL 24 HOURS
    AND person NOT IN (
        SELECT person FROM constituents_tied WHERE stopped OR opt = 'unreadable'
        UNION ALL SELECT person FROM subscribers_tied WHERE opt = 'unreadable'
    );
CREATE TABLE back_in AS
WITH boxes AS (
    SELECT person, in_day, in_from, code_day, code_undated, boxed,
        CASE WHEN boxed AND day(out_on) <= getvariable('today') + 1 THEN day(out_on) END AS box_day,
        greatest(box_day, code_day) AS out_day,
        timezone('UTC', timezone('America/Denver', (out_day + 1)::TIMESTAMP)) AS end_of_day
    FROM constituents_tied JOIN opted_in USING (person) WHERE opt = 'out' AND belongs <= 10
), unsubscribed AS (
    SELECT person, in_from, try_strptime(out_at, '%m/%d/%Y %I:%M:%S %p')
        + CASE WHEN unit IS NULL THEN INTERVAL 6 HOURS ELSE INTERVAL 0 HOURS END AS read_at,
        CASE WHEN read_at <= getvariable('as_of') + INTERVAL 24 HOURS THEN read_at END AS happened
    FROM subscribers_tied JOIN opted_in USING (person) WHERE opt = 'out' AND belongs <= 10
), unbeaten AS (
    SELECT person FROM boxes
    WHERE (boxed AND box_day IS NULL) OR coalesce(code_undated, false)
        OR NOT CASE WHEN in_day IS NOT NULL THEN in_day > out_day ELSE in_from > end_of_day + INTERVAL 24 HOURS END
    UNION ALL SELECT person FROM unsubscribed WHERE coalesce(in_from <= happened + INTERVAL 24 HOURS, true)
)
SELECT person FROM opted_in ANTI JOIN unbeaten USING (person);

-- Records that are opted out beside records of the same person that are not.
CREATE TABLE found AS
WITH rules(rule, a_system, b_system) AS (VALUES
    ('OPT101', 'salesforce', 'ascend'), ('OPT102', 'salesforce', 'marketing_cloud'), ('OPT103', 'ascend', 'salesforce'),
    ('OPT104', 'ascend', 'marketing_cloud'), ('OPT105', 'marketing_cloud', 'salesforce'), ('OPT106', 'marketing_cloud', 'ascend')
)
SELECT rule, contact_id, coalesce(people.email, CASE WHEN contact_id IS NULL THEN a.email END) AS email, a.unit AS subject,
    a_system, a.record AS a_record, a.value AS a_value, b_system, b.record AS b_record, b.value AS b_value, b.email AS b_email
FROM records AS a
JOIN records AS b ON a.person = b.person AND a.opt = 'out' AND b.opt = 'in'
JOIN rules ON a.system = a_system AND b.system = b_system
LEFT JOIN people ON a.person = people.person
WHERE rule IN ('OPT101', 'OPT102') OR a.person NOT IN (FROM back_in);
"""

WRITE = """
COPY (
    SELECT * EXCLUDE b_email FROM found ORDER BY rule, contact_id, email, a_record, b_record, subject
) TO '{output}/discrepancies.csv' (HEADER);
COPY (
    SELECT DISTINCT b_record AS Id, 'true' AS HasOptedOutOfEmail FROM found WHERE b_system = 'salesforce' ORDER BY Id
) TO '{output}/salesforce_opt_out.csv' (HEADER, FORCE_QUOTE *);
COPY (
    SELECT DISTINCT ON (b_record) b_record AS "Subscriber Key", 'Unsubscribed' AS "Subscriber Status", b_email AS "Email Address"
    FROM found WHERE b_system = 'marketing_cloud' ORDER BY b_record
) TO '{output}/marketing_cloud_unsubscribe.csv' (HEADER);
COPY (
    SELECT DISTINCT ON (b_record) b_record AS "Constituent ID", contact_id AS "Contact ID", b_email AS "Email",
        'Y' AS "Email Opt Out", getvariable('as_of')::DATE AS "Effective Date"
    FROM found WHERE b_system = 'ascend' ORDER BY b_record
) TO '{output}/ascend_opt_out.csv' (HEADER);
"""


def main(inbox, output, as_of):
    options = "header = true, all_varchar = true, nullstr = ['', '-', 'N/A', 'NULL', '(null)', '#N/A']"
    database = duckdb.connect()
    database.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
    database.execute("SET VARIABLE as_of = ?::TIMESTAMPTZ AT TIME ZONE 'UTC'", [as_of])
    database.execute("SET VARIABLE today = timezone('America/Denver', timezone('UTC', getvariable('as_of')))::DATE")
    for script in [MACROS, READ.format(inbox=inbox, options=options), TIE.format(side="subscribers"),
                   TIE.format(side="constituents"), COMPARE, WRITE.format(output=output)]:
        database.execute(script)


if __name__ == "__main__":
    inbox, output, as_of = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    main(inbox, output, as_of)
