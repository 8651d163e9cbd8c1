"""The six main rules in Polars, as a user would script them: exports in, discrepancies and three correction files out.

    in_polars.py INBOX OUTPUT AS_OF
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

BLANK = ["", "-", "N/A", "NULL", "(null)", "#N/A"]
YES, NO = ["true", "yes", "y", "on", "1"], ["false", "no", "n", "off", "0"]
STATUS = {
    "active": "in", "normal": "in", "bounced": "in", "bounced (returned)": "in", "unsubscribed": "out", "unsub": "out",
    "held": "held", "undeliverable": "held", "held (undeliverable)": "held", "deleted": "removed",
}
ENDED = ["inactive", "ended", "expired", "false", "no", "n", "0"]
HOME = "America/Denver"
TOLERANCE = timedelta(hours=24)
MAX_SHARED = 10
COLUMNS = [
    "rule", "contact_id", "email", "subject", "a_system", "a_record", "a_value", "b_system", "b_record", "b_value",
]


def main(inbox, output, as_of):
    contacts = read_contacts(inbox)
    subscribers = read_subscribers(inbox)
    constituents = read_constituents(inbox, as_of)

    addresses = pl.concat([contacts.select("person", email=column) for column in ["email", "campus"]])
    addresses = addresses.drop_nulls().unique()
    marketing, strange_subscribers = tie(subscribers, contacts, addresses)
    source, strange_constituents = tie(constituents, contacts, addresses)
    strangers = strange_constituents.drop_nulls("source_id").drop("person").with_row_index("person", offset=contacts.height)
    marketing_strangers = strange_subscribers.drop("person").join(strangers.select("email", "person"), on="email")

    crm = contacts.select(
        "person", "contact_id", "email", record="contact_id", value="word", opt="opt", unit=pl.lit(None, pl.String)
    )
    people = crm.select("person", "contact_id", hub_email="email")
    sides = ["person", "record", "email", "value", "opt", "unit"]
    marketing_all = pl.concat([marketing.select(sides), marketing_strangers.select(sides)])
    source_all = pl.concat([source.select(sides), strangers.select(sides)])
    back_in = opted_back_in(contacts, marketing, source, as_of)

    found = pl.concat([
        pairs("OPT101", ("salesforce", crm), ("ascend", source_all)),
        pairs("OPT102", ("salesforce", crm), ("marketing_cloud", marketing_all)),
        *(
            pairs(rule, a, b).join(back_in, on="person", how="anti")
            for rule, a, b in [
                ("OPT103", ("ascend", source_all), ("salesforce", crm)),
                ("OPT104", ("ascend", source_all), ("marketing_cloud", marketing_all)),
                ("OPT105", ("marketing_cloud", marketing_all), ("salesforce", crm)),
                ("OPT106", ("marketing_cloud", marketing_all), ("ascend", source_all)),
            ]
        ),
    ])
    found = found.join(people, on="person", how="left").with_columns(
        email=pl.when(pl.col("contact_id").is_null()).then("a_email").otherwise("hub_email")
    )
    order = ["rule", "contact_id", "email", "a_record", "b_record", "subject"]
    found.select(COLUMNS).sort(order).write_csv(output / "discrepancies.csv")
    write_corrections(found, output, as_of)


def read(path, columns, **options):
    return pl.read_csv(path, columns=columns, infer_schema=False, null_values=BLANK, **options)


def only(inbox, pattern):
    [path] = inbox.glob(pattern)
    return path


def read_contacts(inbox):
    """One row a contact or lead that has an id; of rows with one id the opted-out one."""
    names = {
        "Id": "contact_id", "Email": "email", "UCB_Email__c": "campus", "HasOptedOutOfEmail": "word", "Ascend_ID__c": "source_id",
        "Email_Opt_In_Date__c": "opted_in", "Email_Opt_In_Channel__c": "evidence",
    }
    labels = dict(zip(
        ["Lead ID", "Email", "UCB Email", "Email Opt Out", "Ascend ID", "Email Opt In Date", "Email Opt In Channel"],
        names.values(),
    ))
    contacts = read(only(inbox, "salesforce_contacts_*.csv"), list(names)).rename(names)
    leads = read(only(inbox, "salesforce_leads_*.csv"), list(labels), truncate_ragged_lines=True).rename(labels)
    leads = leads.filter(pl.col("contact_id").str.starts_with("00Q"))
    rows = pl.concat([contacts.drop_nulls("contact_id"), leads]).with_columns(
        contact_id=full_id("contact_id"), email=address("email"), campus=address("campus"), opt=by_word("word", blank="in")
    )
    rows = most_restrictive(rows, ["contact_id"])
    return rows.with_columns(contact=pl.col("contact_id").str.to_uppercase()).with_row_index("person")


def read_subscribers(inbox):
    """One row a subscriber, and one a business unit that a subscriber left."""
    names = {"SubscriberKey": "record", "EmailAddress": "email", "Status": "value", "DateUnsubscribed": "out_at"}
    rows = read(only(inbox, "marketing_cloud_subscribers_*.csv"), list(names)).rename(names)
    status = pl.col("value").str.to_lowercase()
    rows = rows.with_columns(
        record=full_id("record"),
        email=pl.coalesce(address("email"), address("record")),
        opt=pl.when(status.is_null()).then(pl.lit("blank")).otherwise(status.replace_strict(STATUS, default="unreadable")),
    )
    rows = most_restrictive(rows, ["record"]).with_columns(unit=pl.lit(None, pl.String))
    units = read(only(inbox, "marketing_cloud_unit_*.csv"), ["BusinessUnitID", "UnsubDateUTC", "SubscriberKey"])
    units = units.rename({"BusinessUnitID": "unit", "UnsubDateUTC": "out_at", "SubscriberKey": "record"})
    units = units.with_columns(record=full_id("record")).unique(["record", "unit"], keep="any")
    units = units.join(rows.select("record", "email"), on="record", how="left").with_columns(
        email=pl.coalesce("email", address("record")), value=pl.lit(None, pl.String), opt=pl.lit("out")
    )
    together = pl.concat([rows, units.select(rows.columns)]).with_row_index("ix")
    return together.with_columns(contact=pl.col("record").str.to_uppercase(), source_id=pl.lit(None, pl.String))


def read_constituents(inbox, as_of):
    """One row a constituent, opted out by the box or by a code that holds."""
    names = {
        "Constituent ID": "source_id", "Salesforce Contact ID": "contact", "Email": "email", "Email Opt Out": "value",
        "Opt Out Date": "out_on",
    }
    rows = read(only(inbox, "ascend_constituents_*.csv"), list(names)).rename(names)
    rows = rows.with_columns(email=address("email"), opt=by_word("value", blank="blank"))
    rows = most_restrictive(rows, ["source_id"])
    rows = rows.join(read_codes(inbox, as_of), on="source_id", how="left")
    by_code = pl.col("code_out").fill_null(False) & (pl.col("opt") != "unreadable")
    return rows.with_columns(
        contact=full_id("contact").str.to_uppercase(),
        record="source_id",
        boxed=pl.col("opt") == "out",
        opt=pl.when(by_code).then(pl.lit("out")).otherwise("opt"),
        unit=pl.lit(None, pl.String),
    ).with_row_index("ix")


def read_codes(inbox, as_of):
    """One row a constituent with a code that holds on the day of the run."""
    codes = read(
        only(inbox, "ascend_preferences_*.csv"), ["Constituent ID", "Code", "Start Date", "End Date", "Status"]
    ).rename({"Constituent ID": "source_id"})
    today = as_of.astimezone(ZoneInfo(HOME)).date()
    start, end = day("Start Date"), day("End Date")
    codes = codes.filter(
        ~pl.col("Status").str.to_lowercase().is_in(ENDED).fill_null(False),
        start.is_null() | (start <= today),
        end.is_null() | (end >= today),
    )
    code = pl.col("Code").str.to_uppercase()
    is_out = code.is_in(["NE", "NC"]) | code.str.starts_with("AWR")
    is_known = is_out | code.is_in(["NES", "NS", "ALX", "EVI", "MAG"])
    codes = codes.with_columns(start=start, is_out=is_out, is_known=is_known)
    return codes.group_by("source_id").agg(
        code_out=pl.col("is_out").any(),
        code_undated=(pl.col("is_out") & pl.col("start").is_null()).any(),
        code_day=pl.col("start").filter("is_out").max(),
        stopped=(~pl.col("is_known")).any(),
    )


def full_id(column):
    """Salesforce ids with all 18 characters; anything else as it stands."""

    def lengthen(ids):
        short = ids.str.contains(r"^(003|00Q)[0-9A-Za-z]{12}$").fill_null(False)
        if not short.any():
            return ids
        return ids.scatter(short.arg_true(), [text + suffix(text) for text in ids.filter(short)])

    return pl.col(column).str.strip_chars().map_batches(lengthen, return_dtype=pl.String)


def suffix(text):
    runs = (text[at:at + 5] for at in (0, 5, 10))
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(c.isupper() << at for at, c in enumerate(run))] for run in runs)


def address(column):
    """Addresses in one spelling; what is none is blank."""
    bare = pl.col(column).str.strip_chars().str.to_lowercase().str.strip_chars("<>").str.strip_prefix("mailto:")
    return pl.when(bare.str.contains(r"^[^@\s;]+@[^@\s;]+\.[^@\s;.]+$")).then(bare)


def by_word(column, blank):
    word = pl.col(column).str.to_lowercase()
    known = pl.when(word.is_in(YES)).then(pl.lit("out")).when(word.is_in(NO)).then(pl.lit("in"))
    return known.when(word.is_null()).then(pl.lit(blank)).otherwise(pl.lit("unreadable"))


def day(column):
    return pl.col(column).str.to_date("%m/%d/%Y", strict=False)


def most_restrictive(rows, key):
    """Of rows with one key an opted-out one, else a blank one."""
    repeated = pl.struct(key).is_duplicated() & pl.all_horizontal(pl.col(key).is_not_null())
    rank = pl.col("opt").replace_strict({"out": 0, "blank": 1, "held": 2, "removed": 3, "in": 4, "unreadable": 5})
    kept = rows.filter(repeated).sort(rank).unique(key, keep="first", maintain_order=True)
    return pl.concat([rows.filter(~repeated), kept])


def tie(records, contacts, addresses):
    """Records with their contacts by id, else by constituent id, else by address; and those that belong to none."""
    by_id = records.join(contacts.select("contact", "person", own_id="contact_id"), on="contact", how="left")
    rest = by_id.filter(pl.col("person").is_null()).drop("person", "own_id")
    by_source = rest.join(contacts.select("source_id", "person"), on="source_id", how="left")
    rest = by_source.filter(pl.col("person").is_null()).drop("person")
    by_address = rest.join(addresses, on="email", how="left")
    left = by_address.filter(pl.col("person").is_null())
    # A key that lost its case is shown as the contact's own.
    is_key = pl.col("contact") == pl.col("record").str.to_uppercase()
    record = pl.when(is_key).then("own_id").otherwise("record")
    tied = pl.concat([
        by_id.drop_nulls("person").with_columns(record=record).drop("own_id").with_columns(belongs=pl.lit(1, pl.UInt32)),
        by_source.drop_nulls("person").with_columns(belongs=pl.lit(1, pl.UInt32)),
        by_address.drop_nulls("person").with_columns(belongs=pl.len().over("ix")),
    ])
    return tied, left


def opted_back_in(contacts, marketing, source, as_of):
    """People with an evidenced opt-in that is later than every opt-out of theirs."""
    opted_in = contacts.filter(
        pl.col("opted_in").is_not_null(), pl.col("evidence").is_not_null(), pl.col("opt") == "in"
    ).select(
        "person",
        in_day=day("opted_in"),
        in_at=pl.col("opted_in").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", strict=False).dt.replace_time_zone("UTC"),
    )
    in_from = pl.coalesce("in_at", pl.col("in_day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))
    opted_in = opted_in.with_columns(in_from=in_from).filter(pl.col("in_from") <= as_of + TOLERANCE)

    doubtful = [
        source.filter(pl.col("stopped").fill_null(False)).select("person"),
        *(side.filter(pl.col("opt") == "unreadable").select("person") for side in (source, marketing)),
    ]
    opted_in = opted_in.join(pl.concat(doubtful), on="person", how="anti")

    today = as_of.astimezone(ZoneInfo(HOME)).date()
    speaks = (pl.col("opt") == "out") & (pl.col("belongs") <= MAX_SHARED)
    boxes = source.filter(speaks).join(opted_in, on="person").with_columns(out_on=day("out_on"))
    box_day = pl.when(pl.col("boxed") & (pl.col("out_on") <= today + timedelta(days=1))).then("out_on")
    undated = (pl.col("boxed") & box_day.is_null()) | pl.col("code_undated").fill_null(False)
    out_day = pl.max_horizontal(box_day, "code_day")
    end_of_day = out_day.dt.offset_by("1d").cast(pl.Datetime("us")).dt.replace_time_zone(HOME).dt.convert_time_zone("UTC")
    later = pl.when(pl.col("in_day").is_not_null()).then(pl.col("in_day") > out_day)
    beaten = ~undated & later.otherwise(pl.col("in_from") - end_of_day > TOLERANCE)
    unbeaten_boxes = boxes.filter(~beaten.fill_null(False))

    unsubscribed = marketing.filter(speaks).join(opted_in, on="person")
    local = pl.col("out_at").str.to_datetime("%m/%d/%Y %I:%M:%S %p", strict=False)
    out_at = pl.when(pl.col("unit").is_null()).then(local + timedelta(hours=6)).otherwise(local).dt.replace_time_zone("UTC")
    out_at = pl.when(out_at <= as_of + TOLERANCE).then(out_at)
    unbeaten = unsubscribed.filter(~(pl.col("in_from") - out_at > TOLERANCE).fill_null(False))
    losers = pl.concat([unbeaten_boxes.select("person"), unbeaten.select("person")])
    return opted_in.join(losers, on="person", how="anti").select("person")


def pairs(rule, a, b):
    """Records that are opted out beside records of the same person that are not."""
    (a_system, out), (b_system, active) = a, b
    out = out.filter(pl.col("opt") == "out").select(
        "person", subject="unit", a_record="record", a_value="value", a_email="email"
    )
    active = active.filter(pl.col("opt") == "in").select("person", b_record="record", b_value="value", b_email="email")
    return out.join(active, on="person").with_columns(
        rule=pl.lit(rule), a_system=pl.lit(a_system), b_system=pl.lit(b_system)
    )


def write_corrections(found, output, as_of):
    """One file a system with every record that is to be opted out, each once."""
    of = found.filter(pl.col("b_system") == "salesforce").select(Id="b_record").unique().sort("Id")
    of.with_columns(HasOptedOutOfEmail=pl.lit("true")).write_csv(output / "salesforce_opt_out.csv", quote_style="always")
    of = found.filter(pl.col("b_system") == "marketing_cloud").unique(["b_record"]).sort("b_record")
    of.select(
        pl.col("b_record").alias("Subscriber Key"),
        pl.lit("Unsubscribed").alias("Subscriber Status"),
        pl.col("b_email").alias("Email Address"),
    ).write_csv(output / "marketing_cloud_unsubscribe.csv")
    of = found.filter(pl.col("b_system") == "ascend").unique(["b_record"]).sort("b_record")
    of.select(
        pl.col("b_record").alias("Constituent ID"),
        pl.col("contact_id").alias("Contact ID"),
        pl.col("b_email").alias("Email"),
        pl.lit("Y").alias("Email Opt Out"),
        pl.lit(as_of.date().isoformat()).alias("Effective Date"),
    ).write_csv(output / "ascend_opt_out.csv")


if __name__ == "__main__":
    inbox, output, as_of = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    main(Path(inbox), Path(output), datetime.fromisoformat(as_of))
