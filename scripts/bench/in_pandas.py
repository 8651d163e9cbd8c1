"""The six main rules in pandas, as a user would script them: exports in, discrepancies and three correction files out.

    in_pandas.py INBOX OUTPUT AS_OF
"""

import sys
from pathlib import Path

import pandas as pd

BLANK = ["", "-", "N/A", "NULL", "(null)", "#N/A"]
YES, NO = ["true", "yes", "y", "on", "1"], ["false", "no", "n", "off", "0"]
STATUS = {
    "active": "in", "normal": "in", "bounced": "in", "bounced (returned)": "in", "unsubscribed": "out", "unsub": "out",
    "held": "held", "undeliverable": "held", "held (undeliverable)": "held", "deleted": "removed",
}
STRICTNESS = {"out": 0, "blank": 1, "held": 2, "removed": 3, "in": 4, "unreadable": 5}
ENDED = ["inactive", "ended", "expired", "false", "no", "n", "0"]
HOME = "America/Denver"
DAY = pd.Timedelta(days=1)
TOLERANCE = pd.Timedelta(hours=24)
MAX_SHARED = 10
COLUMNS = [
    "rule", "contact_id", "email", "subject", "a_system", "a_record", "a_value", "b_system", "b_record", "b_value",
]


def main(inbox, output, as_of):
    contacts = read_contacts(inbox)
    subscribers = read_subscribers(inbox)
    constituents = read_constituents(inbox, as_of)

    addresses = [contacts[["person", column]].set_axis(["person", "email"], axis=1) for column in ["email", "campus"]]
    addresses = pd.concat(addresses).dropna().drop_duplicates()
    marketing, strange_subscribers = tie(subscribers, contacts, addresses)
    source, strange_constituents = tie(constituents, contacts, addresses)
    strangers = strange_constituents.dropna(subset="source_id")
    strangers = strangers.assign(person=range(len(contacts), len(contacts) + len(strangers)))
    known = strangers[["email", "person"]].dropna()
    marketing_strangers = strange_subscribers.drop(columns="person", errors="ignore").merge(known, on="email")

    crm = contacts.rename(columns={"word": "value"}).assign(record=contacts["contact_id"], unit=None)
    sides = ["person", "record", "email", "value", "opt", "unit"]
    marketing_all = pd.concat([marketing[sides], marketing_strangers[sides]])
    source_all = pd.concat([source[sides], strangers[sides]])
    back_in = opted_back_in(contacts, marketing, source, as_of)

    systems = {"salesforce": crm[sides], "marketing_cloud": marketing_all, "ascend": source_all}
    found = []
    for rule, a, b in [
        ("OPT101", "salesforce", "ascend"),
        ("OPT102", "salesforce", "marketing_cloud"),
        ("OPT103", "ascend", "salesforce"),
        ("OPT104", "ascend", "marketing_cloud"),
        ("OPT105", "marketing_cloud", "salesforce"),
        ("OPT106", "marketing_cloud", "ascend"),
    ]:
        # Records that are opted out beside records of the same person that are not.
        out, active = systems[a].query("opt == 'out'"), systems[b].query("opt == 'in'")
        of = out.merge(active, on="person", suffixes=("_a", "_b")).rename(columns={"unit_a": "subject"})
        if a != "salesforce":
            of = of[~of["person"].isin(back_in)]
        of = of.rename(columns={f"{column}_{side}": f"{side}_{column}" for column in sides for side in "ab"})
        found.append(of.assign(rule=rule, a_system=a, b_system=b))
    people = contacts[["person", "contact_id", "email"]]
    found = pd.concat(found).merge(people, on="person", how="left")
    found["email"] = found["email"].where(found["contact_id"].notna(), found["a_email"])
    order = ["rule", "contact_id", "email", "a_record", "b_record", "subject"]
    found[COLUMNS].sort_values(order).to_csv(output / "discrepancies.csv", index=False)
    write_corrections(found, output, as_of)


def read(inbox, pattern, names, **options):
    [path] = inbox.glob(pattern)
    rows = pd.read_csv(path, usecols=list(names), dtype="str", keep_default_na=False, na_values=BLANK, **options)
    return rows.rename(columns=names)[list(names.values())]


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
    leads = read(inbox, "salesforce_leads_*.csv", labels)
    rows = pd.concat([
        read(inbox, "salesforce_contacts_*.csv", names, encoding="utf-8-sig").dropna(subset="contact_id"),
        leads[leads["contact_id"].str.startswith("00Q", na=False)],
    ])
    rows["contact_id"] = full_id(rows["contact_id"])
    rows["email"], rows["campus"] = address(rows["email"]), address(rows["campus"])
    rows["opt"] = by_word(rows["word"], blank="in")
    rows = most_restrictive(rows, ["contact_id"]).reset_index(drop=True)
    return rows.assign(contact=rows["contact_id"].str.upper(), person=rows.index)


def read_subscribers(inbox):
    """One row a subscriber, and one a business unit that a subscriber left."""
    names = {"SubscriberKey": "record", "EmailAddress": "email", "Status": "value", "DateUnsubscribed": "out_at"}
    rows = read(inbox, "marketing_cloud_subscribers_*.csv", names)
    rows["record"] = full_id(rows["record"])
    rows["email"] = address(rows["email"]).fillna(address(rows["record"]))
    rows["opt"] = rows["value"].str.lower().map(STATUS).fillna("unreadable").where(rows["value"].notna(), "blank")
    rows = most_restrictive(rows, ["record"])
    names = {"BusinessUnitID": "unit", "UnsubDateUTC": "out_at", "SubscriberKey": "record"}
    units = read(inbox, "marketing_cloud_unit_*.csv", names)
    units["record"] = full_id(units["record"])
    known = rows[["record", "email"]].dropna(subset="record")
    units = units.drop_duplicates(["record", "unit"]).merge(known, on="record", how="left").assign(opt="out")
    units["email"] = units["email"].fillna(address(units["record"]))
    together = pd.concat([rows, units], ignore_index=True)
    return together.assign(contact=together["record"].str.upper(), source_id=None, ix=together.index)


def read_constituents(inbox, as_of):
    """One row a constituent, opted out by the box or by a code that holds."""
    names = {
        "Constituent ID": "source_id", "Salesforce Contact ID": "contact", "Email": "email", "Email Opt Out": "value",
        "Opt Out Date": "out_on",
    }
    rows = read(inbox, "ascend_constituents_*.csv", names)
    rows["email"] = address(rows["email"])
    rows["opt"] = by_word(rows["value"], blank="blank")
    rows = most_restrictive(rows, ["source_id"]).merge(read_codes(inbox, as_of), on="source_id", how="left")
    for flag in ["code_out", "code_undated", "stopped"]:
        rows[flag] = rows[flag] == True  # noqa: E712, a constituent without codes has none of them
    rows["boxed"] = rows["opt"] == "out"
    rows["opt"] = rows["opt"].mask(rows["code_out"] & (rows["opt"] != "unreadable"), "out")
    rows["contact"] = full_id(rows["contact"]).str.upper()
    return rows.assign(record=rows["source_id"], unit=None, ix=rows.index)


def read_codes(inbox, as_of):
    """One row a constituent with a code that holds on the day of the run."""
    names = {"Constituent ID": "source_id", "Code": "code", "Start Date": "start", "End Date": "until", "Status": "status"}
    codes = read(inbox, "ascend_preferences_*.csv", names)
    codes["start"], codes["until"] = day(codes["start"]), day(codes["until"])
    today = as_of.tz_convert(HOME).tz_localize(None).normalize()
    ended = codes["status"].str.lower().isin(ENDED) | (codes["start"] > today) | (codes["until"] < today)
    codes = codes[~ended]
    code = codes["code"].str.upper()
    is_out = code.isin(["NE", "NC"]) | code.str.startswith("AWR", na=False)
    codes = codes.assign(
        code_out=is_out,
        code_undated=is_out & codes["start"].isna(),
        code_day=codes["start"].where(is_out),
        stopped=~(is_out | code.isin(["NES", "NS", "ALX", "EVI", "MAG"])),
    )
    flags = {"code_out": "any", "code_undated": "any", "code_day": "max", "stopped": "any"}
    return codes.groupby("source_id", as_index=False).agg(flags)


def full_id(ids):
    """Salesforce ids with all 18 characters; anything else as it stands."""
    ids = ids.str.strip()
    short = ids.str.len().eq(15) & ids.str.fullmatch("(?:003|00Q)[0-9A-Za-z]{12}", na=False)
    ids[short] = [text + suffix(text) for text in ids[short]]
    return ids


def suffix(text):
    runs = (text[at:at + 5] for at in (0, 5, 10))
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[sum(c.isupper() << at for at, c in enumerate(run))] for run in runs)


def address(cells):
    """Addresses in one spelling; what is none is blank."""
    bare = cells.str.strip().str.lower().str.strip("<>").str.removeprefix("mailto:")
    return bare.where(bare.str.fullmatch(r"[^@\s;]+@[^@\s;]+\.[^@\s;.]+", na=False))


def by_word(words, blank):
    meanings = dict.fromkeys(YES, "out") | dict.fromkeys(NO, "in")
    return words.str.lower().map(meanings).fillna("unreadable").where(words.notna(), blank)


def day(cells):
    return pd.to_datetime(cells, format="%m/%d/%Y", errors="coerce")


def most_restrictive(rows, key):
    """Of rows with one key an opted-out one, else a blank one."""
    repeated = rows.duplicated(key, keep=False) & rows[key].notna().all(axis=1)
    kept = rows[repeated].sort_values("opt", key=lambda opt: opt.map(STRICTNESS)).drop_duplicates(key)
    return pd.concat([rows[~repeated], kept])


def tie(records, contacts, addresses):
    """Records with their contacts by id, else by constituent id, else by address; and those that belong to none."""
    ids = contacts[["contact", "person", "contact_id"]]
    by_id = records.merge(ids, on="contact")
    # A key that lost its case is shown as the contact's own.
    is_key = by_id["contact"] == by_id["record"].str.upper()
    by_id["record"] = by_id["record"].mask(is_key, by_id["contact_id"])
    rest = records[~records["ix"].isin(by_id["ix"])]
    sources = contacts[["source_id", "person"]].dropna()
    by_source = rest.dropna(subset="source_id").merge(sources, on="source_id")
    rest = rest[~rest["ix"].isin(by_source["ix"])]
    by_address = rest.dropna(subset="email").merge(addresses, on="email")
    left = rest[~rest["ix"].isin(by_address["ix"])]
    by_address["belongs"] = by_address.groupby("ix")["ix"].transform("size")
    tied = [by_id.drop(columns="contact_id").assign(belongs=1), by_source.assign(belongs=1), by_address]
    return pd.concat(tied, ignore_index=True), left


def opted_back_in(contacts, marketing, source, as_of):
    """People with an evidenced opt-in that is later than every opt-out of theirs."""
    said = contacts[contacts["opted_in"].notna() & contacts["evidence"].notna() & (contacts["opt"] == "in")]
    in_at = pd.to_datetime(said["opted_in"], format="%Y-%m-%dT%H:%M:%S.%fZ", errors="coerce", utc=True)
    opted_in = pd.DataFrame({"person": said["person"], "in_day": day(said["opted_in"])})
    opted_in["in_from"] = in_at.fillna(opted_in["in_day"].dt.tz_localize("UTC"))
    opted_in = opted_in[opted_in["in_from"] <= as_of + TOLERANCE]

    doubtful = [source["person"][source["stopped"]]]
    doubtful += [side["person"][side["opt"] == "unreadable"] for side in (source, marketing)]
    opted_in = opted_in[~opted_in["person"].isin(pd.concat(doubtful))]

    today = as_of.tz_convert(HOME).tz_localize(None).normalize()
    speaks = lambda side: side[(side["opt"] == "out") & (side["belongs"] <= MAX_SHARED)]  # noqa: E731
    boxes = speaks(source).merge(opted_in, on="person")
    box_day = day(boxes["out_on"])
    box_day = box_day.where(boxes["boxed"] & (box_day <= today + DAY))
    undated = (boxes["boxed"] & box_day.isna()) | boxes["code_undated"]
    out_day = pd.concat([box_day, boxes["code_day"]], axis=1).max(axis=1)
    end_of_day = (out_day + DAY).dt.tz_localize(HOME).dt.tz_convert("UTC")
    later = (boxes["in_from"] - end_of_day > TOLERANCE).where(boxes["in_day"].isna(), boxes["in_day"] > out_day)
    unbeaten_boxes = boxes[undated | ~later]

    unsubscribed = speaks(marketing).merge(opted_in, on="person")
    local = pd.to_datetime(unsubscribed["out_at"], format="%m/%d/%Y %I:%M:%S %p", errors="coerce", utc=True)
    out_at = local.where(unsubscribed["unit"].notna(), local + pd.Timedelta(hours=6))
    out_at = out_at.where(out_at <= as_of + TOLERANCE)
    unbeaten = unsubscribed[~(unsubscribed["in_from"] - out_at > TOLERANCE)]
    losers = pd.concat([unbeaten_boxes["person"], unbeaten["person"]])
    return opted_in["person"][~opted_in["person"].isin(losers)]


def write_corrections(found, output, as_of):
    """One file a system with every record that is to be opted out, each once."""
    once = found.drop_duplicates(["b_system", "b_record"]).sort_values("b_record")
    of = once[once["b_system"] == "salesforce"]
    columns = {"Id": of["b_record"], "HasOptedOutOfEmail": "true"}
    pd.DataFrame(columns).to_csv(output / "salesforce_opt_out.csv", index=False, quoting=1)
    of = once[once["b_system"] == "marketing_cloud"]
    columns = {"Subscriber Key": of["b_record"], "Subscriber Status": "Unsubscribed", "Email Address": of["b_email"]}
    pd.DataFrame(columns).to_csv(output / "marketing_cloud_unsubscribe.csv", index=False)
    of = once[once["b_system"] == "ascend"]
    columns = {
        "Constituent ID": of["b_record"], "Contact ID": of["contact_id"], "Email": of["b_email"], "Email Opt Out": "Y",
        "Effective Date": as_of.date().isoformat(),
    }
    pd.DataFrame(columns).to_csv(output / "ascend_opt_out.csv", index=False)


if __name__ == "__main__":
    inbox, output, as_of = sys.argv[1:]
    Path(output).mkdir(parents=True, exist_ok=True)
    main(Path(inbox), Path(output), pd.Timestamp(as_of))
