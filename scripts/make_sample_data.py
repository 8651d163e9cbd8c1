"""Writes sample_data/: the exports of some hundreds of made-up people, and the README that names the planted ones.

    python3 scripts/make_sample_data.py [FOLDER]      (needs openpyxl)

The same bytes on every run. Every rule of the catalogue has a person who shows it and one who nearly does.
"""

import csv
import io
import random
import re
import sys
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font

ROOT = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "sample_data"
INBOX = ROOT / "inbox"
DICE = random.Random(20261122)
EXPORTED = datetime(2026, 11, 21, 6, 0)

CATEGORIES = {
    "Alumni News": "ALN",
    "Events": "EVT",
    "Athletics": "ATH",
    "Arts and Culture": "ARC",
    "Research Digest": "RSD",
}
FIRST = """Ada Ahmed Aiko Alejandra Amara Anders André Anika Ben Beatriz Caleb Carmen Celeste Chidi Clara Dafydd Dalia Deepa
Diego Dolores Ebony Edith Eero Elena Elías Emeka Esther Farah Felix Fiona Gabriel Grace Greta Hana Hassan Helen Hugo Ida
Imani Ines Isaac Ivy Jamal Jana Joaquín Joan Jonas Judith Kai Karima Keiko Kofi Lars Leila Lena Linh Lucía Luis Mabel
Malik Marco Mara Mei Miguel Mina Moses Nadia Naomi Nils Nina Noor Olga Omar Opal Oscar Paloma Pavel Petra Priya Quentin
Rafael Rania Ravi Renée Rosa Ruth Sana Samuel Selma Silas Simone Sofia Soren Tala Tamar Theo Thuy Tomás Uma Ursula Vera
Victor Wanda Wei Willa Xenia Yara Yosef Yusuf Zara Zeke Zoë""".split()
LAST = """Abbott Achebe Adeyemi Alvarez Anand Arroyo Bakker Banerjee Barnes Becker Bello Bianchi Boateng Brandt Bright Calder
Castillo Chandra Choi Clarke Cohen Cortez Dahl Danjuma Delgado Dubois Duran Eriksen Espinoza Farrow Ferrara Fischer Flores
Fontaine Gallo Garner Ghosh Grady Gupta Haddad Hale Hansen Hart Hashimoto Hoffman Ibarra Ingram Ito Jansen Jensen Kaplan
Katz Keller Khan Kimura Kowalski Kumar Lange Larsen Lindqvist Lozano Lund Mahmoud Marsh Mbeki Medina Meyer Mori Moss Nakata
Navarro Nguyen Novak Nunez Okafor Olsen Ortega Owens Pappas Park Patel Pereira Quist Ramos Rao Reyes Ricci Rojas Romano
Sato Schmidt Serrano Shah Sharma Silva Singh Solis Sorensen Stone Suarez Takeda Tanaka Torres Tran Vance Varga Vega Vogel
Walsh Weber Wolfe Wong Yamada Yilmaz Young Zamora Ziegler""".split()
PLAIN = str.maketrans("éëíáñóú", "eeianou")

people = []
extra = {"contacts": [], "subscribers": [], "constituents": []}
shown = {}
taken = set()


def suffix(short):
    runs = (short[at : at + 5] for at in (0, 5, 10))
    bits = (sum(1 << at for at, c in enumerate(run) if c.isascii() and c.isupper()) for run in runs)
    return "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[number] for number in bits)


def salesforce_id(start):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    while True:
        short = start + "".join(DICE.choice(letters) for _ in range(5))
        # No two differ by case alone.
        if short.lower() not in taken:
            taken.add(short.lower())
            return short + suffix(short)


def some_name():
    while True:
        first, last = DICE.choice(FIRST), DICE.choice(LAST)
        if (first, last) not in taken:
            taken.add((first, last))
            return first, last


def some_day(first=date(2019, 1, 7), last=date(2026, 9, 30)):
    return first + timedelta(days=DICE.randrange((last - first).days))


def some_time(**limits):
    day = some_day(**limits)
    return datetime(day.year, day.month, day.day, DICE.randrange(8, 18), DICE.randrange(60), DICE.randrange(60))


class Person:
    """A person with a record in each system, all of one mind unless a case changes it."""

    def __init__(self, *categories, lead=False, crm=True, source=True, marketing=True):
        people.append(self)
        self.first, self.last = some_name()
        self.email = f"{self.first}.{self.last}@example.{DICE.choice(['org', 'org', 'com'])}".lower().translate(PLAIN)
        self.id = salesforce_id("00QHs00002" if lead else "003Hs00004")
        self.constituent_id = f"{1002000 + 37 * len(people) + DICE.randrange(30):010}"
        self.lead, self.units, self.codes = lead, [], []
        names = sorted(categories or DICE.sample(list(CATEGORIES), DICE.choice([1, 2, 2, 3])))
        source = source and not lead
        self.crm = self.source = self.marketing = None
        if crm:
            self.crm = {"email": self.email, "campus": "", "out": False, "reason": "", "bounced": "", "categories": names}
            self.crm |= {"id": self.id, "constituent": self.constituent_id if source else "", "opt_in": "", "channel": ""}
            self.crm |= {"note": "", "modified": some_time(first=date(2025, 2, 1))}
        if source:
            self.source = {"id": self.constituent_id, "contact": self.id if crm else "", "email": self.email, "out": "N"}
            self.source |= {"out_on": None, "status": "Active", "categories": [CATEGORIES[name] for name in names]}
            self.source |= {"modified": some_time(first=date(2025, 2, 1))}
        if marketing:
            self.marketing = {"key": self.id if crm else self.email, "email": self.email, "status": "Active"}
            self.marketing |= {"joined": some_time(), "unsubscribed": "", "undeliverable": ""}

    def __str__(self):
        key = self.id if self.crm else self.constituent_id if self.source else self.email
        return f"{self.first} {self.last} `{key}`"

    def out(self, *systems, on=None):
        """Opted out in these systems on that day; the categories are cleared everywhere."""
        on = on or some_day(first=date(2022, 1, 3))
        for record in (self.crm, self.source):
            if record:
                record["categories"] = []
        if "crm" in systems:
            self.crm["out"] = True
        if "source" in systems:
            self.source |= {"out": "Y", "out_on": on}
        if "marketing" in systems:
            at = datetime(on.year, on.month, on.day, DICE.randrange(8, 20), DICE.randrange(60), DICE.randrange(60))
            self.marketing |= {"status": "Unsubscribed", "unsubscribed": at}
        return self

    def opts_in(self, at, channel="Preference center"):
        self.crm |= {"opt_in": at, "channel": channel}
        return self

    def failed(self, *systems, status="Held", at=None):
        """The address fails in these systems."""
        at = at or some_time(first=date(2026, 3, 2))
        if "crm" in systems:
            self.crm |= {"reason": "550 5.1.1 mailbox unavailable", "bounced": at}
        if "source" in systems:
            self.source["status"] = "Bounced"
        if "marketing" in systems:
            self.marketing |= {"status": status, "undeliverable": at if status.startswith(("Held", "Und")) else ""}
        return self

    def code(self, code, start, end=None, status="Active"):
        self.codes.append((code, start, end, status))
        return self

    def unit(self, unit, at, reason="Unsubscribed from one business unit"):
        self.units.append((unit, at, reason))
        return self

    def moves_to(self, email):
        self.email = email
        for record in (self.crm, self.source, self.marketing):
            if record:
                record["email"] = email
        return self


def show(rule, *cases):
    """Notes who shows a rule: pairs of a person and what is special."""
    shown.setdefault(rule, ([], []))[0].extend(cases)


def near(rule, *cases):
    """Notes who nearly shows a rule."""
    shown.setdefault(rule, ([], []))[1].extend(cases)


ALL = ("crm", "source", "marketing")
WESTERN, MEDICINE = "7001042", "7001077"


def clean_people():
    for at in range(236):
        person = Person(marketing=at % 11 != 5)
        if at % 9 == 4:
            person.out(*(system for system in ALL if system != "marketing" or person.marketing))
        elif at % 47 == 20:
            person.failed(*(system for system in ALL if system != "marketing" or person.marketing))
        elif at % 29 == 13 and person.marketing:
            person.marketing["status"] = "Normal"
        if at % 23 == 7:
            person.crm["campus"] = f"{person.last}{at}@campus.example.org".lower().translate(PLAIN)
        if at % 61 == 30:
            person.crm["note"] = 'Met at the "Class of 1998" reunion;\nprefers the evening, call first'
    # Opted out by a code instead of the box.
    for start in (date(2024, 5, 14), date(2025, 10, 28)):
        person = Person().out("crm", "marketing", on=start)
        person.code("NE", start)


def opt_out_cases():
    p = Person(marketing=False).out("crm")
    show("OPT101", (p, "no subscriber; N in the source"))
    near("OPT101", (Person(marketing=False).out("crm", "source"), "out in both"))

    p = Person().out("crm", "source", on=date(2026, 11, 17))
    q = Person().out("crm", "source", on=date(2026, 10, 6))
    q.failed("marketing", status="Bounced").failed("crm", "source")
    show("OPT102", (p, "Active"), (q, "Bounced is still mailed"))
    held = Person().out("crm", "source").failed(*ALL, status="Held")
    deleted = Person().out("crm", "source")
    deleted.marketing["status"] = "Deleted"
    near("OPT102", (held, "Held"), (deleted, "Deleted"))

    p = Person(marketing=False).out("source", on=date(2026, 11, 16))
    q = Person(marketing=False).out("source", on=date(2026, 10, 27))
    show("OPT103", (p, "due soon"), (q, "overdue"))
    solicit = Person("Athletics", "Events").code("NES", date(2025, 3, 18))
    expired = Person("Alumni News").code("NE", date(2023, 4, 17), date(2025, 4, 30), "Inactive")
    ended = Person("Research Digest").code("NC", date(2021, 9, 20), date(2026, 6, 30))
    near("OPT103", (solicit, "NES bars solicitation alone"), (expired, "NE has ended"), (ended, "NC ended by its date"))

    p = Person().out("crm").code("NE", date(2026, 11, 4))
    q = Person(crm=False).out("source", on=date(2026, 11, 9))
    show("OPT104", (p, "code NE"), (q, "no CRM contact"))
    later = Person("Events").code("NE", date(2026, 12, 1))
    near("OPT104", (later, "NE begins on 1 December"))

    p = Person().out("marketing", on=date(2026, 11, 18))
    q = Person().out("marketing", on=date(2026, 10, 29))
    q.marketing["status"] = "unsub"
    show("OPT105", (p, "due soon"), (q, "overdue; written `unsub`"))
    deleted = Person("Athletics")
    deleted.marketing["status"] = "Deleted"
    near("OPT105", (deleted, "Deleted is no opt-out"))
    lead = Person("Events", lead=True).out("marketing", on=date(2026, 11, 12))
    show("OPT105", (lead, "a lead"))

    show("OPT106", (p, ""), (q, ""))
    near("OPT106", (Person().out(*ALL), "out everywhere"))

    p = Person("Events").opts_in(datetime(2026, 11, 12, 16, 20), "Web form")
    p.source |= {"out": "Y", "out_on": date(2026, 9, 15)}
    q = Person("Alumni News", "Events").opts_in(datetime(2026, 10, 20, 17, 5), "Reply card")
    q.code("NE", date(2024, 2, 6))
    show("OPT107", (p, "box"), (q, "code NE"))
    soon = Person("Events").opts_in(datetime(2026, 11, 10, 17, 0))
    soon.source |= {"out": "Y", "out_on": date(2026, 11, 9), "categories": []}
    soon.crm["categories"] = []
    undated = Person().opts_in(datetime(2026, 11, 3, 18, 0)).out("source")
    undated.source["out_on"] = None
    near("OPT107", (soon, "opt-in the day after: OPT103"), (undated, "opt-out without a date: OPT103"))

    p = Person("Arts and Culture").opts_in(datetime(2026, 11, 14, 15, 30), "Phone, request 20418")
    p.marketing |= {"status": "Unsubscribed", "unsubscribed": datetime(2026, 6, 2, 10, 41, 7)}
    q = Person("Athletics").opts_in(datetime(2026, 11, 5, 21, 10), "Event check-in")
    q.failed("marketing", at=datetime(2026, 8, 24, 4, 12, 0))
    show("OPT108", (p, "unsubscribed"), (q, "held before the opt-in"))
    zones = Person().out("marketing", on=date(2026, 11, 10)).opts_in(datetime(2026, 11, 11, 22, 0))
    zones.marketing["unsubscribed"] = datetime(2026, 11, 10, 20, 0, 0)
    unproved = Person().out("marketing", on=date(2026, 8, 3)).opts_in(datetime(2026, 11, 2, 15, 0), "")
    near("OPT108", (zones, "20 hours later, 26 if UTC−6 is missed: OPT105"), (unproved, "opt-in without evidence: OPT105"))

    p = Person().out("crm", "marketing", on=date(2026, 7, 14))
    p.source["out"] = ""
    q = Person().out("crm", "source", on=date(2025, 11, 4))
    q.marketing["status"] = ""
    show("OPT109", (p, "blank in the source"), (q, "blank in marketing"))
    blank = Person("Events", "Research Digest")
    blank.source["out"] = ""
    near("OPT109", (blank, "blank, and nobody says no"))

    p = Person().unit(MEDICINE, datetime(2026, 11, 13, 19, 22, 41))
    p.crm["categories"] = p.source["categories"] = []
    show("OPT110", (p, f"unit {MEDICINE}"))
    q = Person().out(*ALL, on=date(2026, 4, 21)).unit(WESTERN, datetime(2026, 4, 21, 15, 2, 10))
    near("OPT110", (q, "unsubscribed at the enterprise too"))


def bounce_cases():
    p = Person().failed("marketing", "source", status="Bounced")
    show("BNC201", (p, "Bounced"))
    near("BNC201", (Person().failed(*ALL, status="Bounced (Returned)"), "flagged; written `Bounced (Returned)`"))
    campus = Person()
    campus.crm["campus"] = f"{campus.last}.c@campus.example.org".lower().translate(PLAIN)
    campus.marketing |= {"email": campus.crm["campus"], "status": "Bounced"}
    near("BNC201", (campus, "the campus address bounced, the flag speaks of the first"))

    p = Person().failed("marketing", "source", at=datetime(2026, 10, 19, 3, 50, 12))
    q = Person("Events").opts_in(datetime(2026, 10, 1, 15, 0)).failed("marketing", at=datetime(2026, 11, 8, 2, 14, 0))
    q.source["status"] = "Invalid"
    show("BNC202", (p, "Held"), (q, "held after an opt-in"))
    near("BNC202", (Person().failed(*ALL, status="Undeliverable"), "flagged; written `Undeliverable`"))

    p = Person().failed("crm")
    show("BNC203", (p, ""))
    q = Person().failed("crm", "source")
    q.marketing["status"] = "Deleted"
    near("BNC203", (q, "Deleted is not active"))

    p = Person().failed("crm", "marketing", status="Bounced")
    q = Person().failed("crm", "marketing", at=datetime(2026, 9, 3, 5, 0, 0))
    q.source["status"] = ""
    show("BNC204", (p, "Bounced"), (q, "Held; a blank status is good"))
    r = Person().failed(*ALL)
    r.source["status"] = "Undeliverable"
    near("BNC204", (r, "the source calls it Undeliverable"))


def category_cases():
    p = Person().out(*ALL, on=date(2026, 5, 12))
    p.crm["categories"] = ["Alumni News", "Events"]
    q = Person().out(*ALL, on=date(2026, 1, 20))
    q.source["categories"] = ["RSD"]
    show("CAT301", (p, "in the CRM"), (q, "in the source"))
    near("CAT301", (Person().out(*ALL), "all cleared"))

    p = Person("Alumni News")
    p.source["categories"] = ["ALN", "EVT"]
    q = Person("Athletics", "Events")
    q.source["categories"] = []
    show("CAT302", (p, "Events in the source alone"), (q, "blank in the source means none"))
    declined = Person("Events")
    declined.source["categories"] = ["ALN", "EVT"]
    declined.code("ALX", date(2026, 2, 24))
    asked = Person("Arts and Culture", "Events")
    asked.source["categories"] = ["ARC"]
    asked.code("EVI", date(2026, 8, 18))
    lowered = Person("Alumni News", "Arts and Culture")
    lowered.crm["categories"] = ["arts and culture", "alumni news"]
    near("CAT302", (declined, "ALX takes Alumni News away"), (asked, "EVI adds Events"), (lowered, "other case and order"))

    p, q, r = Person("Alumni News", "Events"), Person("Athletics"), Person("Events")
    p.crm["categories"] = ["Alumni Update", "Events"]
    q.source["categories"] = ["ATH", "PAR"]
    r.crm["categories"] = ["Events", "Wine Club"]
    show("CAT303", (p, "renamed; no CAT302"), (q, "retired"), (r, "unknown"))
    near("CAT303", (lowered, "lower case is no other category"))

    p = Person()
    p.crm["categories"] = p.source["categories"] = []
    show("CAT304", (p, "none anywhere"))
    only_source = Person("Research Digest")
    only_source.crm["categories"] = []
    near("CAT304", (only_source, "one in the source: CAT302"))


def identity_cases():
    p, q = Person("Alumni News"), Person("Alumni News", "Events")
    q.last = p.last
    q.moves_to(p.email)
    show("IDN501", (p, "spouses"), (q, "spouses"))
    dotted, undotted = Person("Events"), Person("Events")
    dotted.moves_to("j.rivera@example.org")
    undotted.moves_to("jrivera@example.org")
    near("IDN501", (dotted, "a dot is another address"), (undotted, ""))

    p, q = Person().out(*ALL, on=date(2026, 11, 3)), Person("Athletics")
    q.last = p.last
    q.moves_to(p.email)
    show("IDN502", (p, "opted out"), (q, "spouse, active: opted out with the other"))
    p, q = Person(marketing=False).out("source", on=date(2026, 9, 22)), Person("Events")
    q.last = p.last
    q.moves_to(p.email).opts_in(datetime(2026, 10, 30, 16, 45), "Reply card")
    show("IDN502", (p, "opted out, dated"), (q, "spouse, opted in later: stays in, to review"))
    p, q = Person(marketing=False).out("crm", "source", on=date(2026, 9, 8)), Person("Events")
    q.last = p.last
    q.moves_to(p.email).opts_in(datetime(2026, 10, 30, 16, 45), "Reply card")
    show("IDN502", (p, "the CRM's opt-out has no date"), (q, "spouse: no opt-in is provably later, so opted out"))
    p, q = Person().out(*ALL, on=date(2024, 9, 10)), Person().out(*ALL, on=date(2025, 3, 4))
    q.moves_to(p.email)
    near("IDN502", (p, "both opted out: IDN501"), (q, ""))
    contact, lead = Person("Events"), Person("Events", lead=True, marketing=False)
    lead.moves_to(contact.email)
    show("IDN501", (contact, "a contact and a lead"), (lead, ""))
    # The admissions desk: one address on more contacts than an opt-out may spread over.
    desk = [Person("Events", marketing=False) for _ in range(6)]
    for clerk in desk:
        clerk.moves_to("admissions.desk@example.org")
    desk[0].out("crm", "source", on=date(2025, 8, 19))
    show("IDN502", (desk[0], "an office's address: to review"))

    p = Person("Arts and Culture")
    p.marketing["email"] = "old." + p.email
    show("IDN503", (p, "the subscriber has an old address"))
    q = Person("Events")
    q.crm["campus"] = f"{q.last}.q@campus.example.org".lower().translate(PLAIN)
    q.marketing["email"] = q.crm["campus"]
    near("IDN503", (q, "it is the contact's campus address"))

    p, q = Person("Alumni News"), Person("Alumni News", marketing=False)
    p.marketing["email"] = q.email
    show("IDN504", (p, f"its subscriber has the address of {q.first} {q.last}"))
    r, s = Person("Events"), Person("Events", source=False)
    r.source["contact"] = s.id
    show("IDN504", (s, f"named as contact by the constituent of {r.first} {r.last}"))
    wife, husband = Person("Athletics"), Person("Athletics", marketing=False)
    husband.moves_to(wife.email)
    near("IDN504", (wife, "her address is the spouse's too"), (husband, ""))

    p, q = Person(crm=False, source=False), Person(crm=False, marketing=False)
    show("IDN505", (p, "subscriber"), (q, "constituent"))
    r = Person("Events")
    r.marketing["key"] = r.email
    near("IDN505", (r, "the key is an address, which the contact has"))

    p = Person("Events", source=False)
    show("IDN506", (p, ""))
    q, r = Person("Events"), Person("Research Digest")
    q.source["contact"] = ""
    r.source["contact"] = r.crm["constituent"] = ""
    near("IDN506", (q, "linked by constituent id alone"), (r, "linked by address alone"))


def data_cases():
    p, q = Person("Events", marketing=False), Person("Alumni News")
    p.crm["email"] = p.email.replace("@", " at ")
    p.source["email"] = ""
    q.crm["campus"] = f"{q.last}@campus.example.org; {q.last}2@campus.example.org".lower().translate(PLAIN)
    show("DAT601", (p, "no @"), (q, "two in one cell"))
    r, s = Person("Events"), Person("Athletics")
    r.source["email"] = f"mailto:{r.email} "
    s.marketing["email"] = s.email.upper()
    near("DAT601", (r, "`mailto:` and a space are stripped"), (s, "capitals"))

    p, q = Person("Events"), Person("Alumni News", "Athletics")
    p.source["contact"] = p.id[:15] + ("AAA" if suffix(p.id[:15]) != "AAA" else "AAB")
    q.crm["constituent"] = "1.00482E+06"
    show("DAT602", (p, "the id's checksum is wrong"), (q, "the constituent id lost digits in a spreadsheet"))
    r, s = Person("Events"), Person("Research Digest")
    r.source["contact"] = r.id.upper()
    s.source["contact"] = s.id[:15]
    t = Person("Athletics")
    t.marketing["key"] = t.id.lower()
    near("DAT602", (r, "18 characters in capitals are repaired"), (s, "15 characters"), (t, "in lower case"))

    extra["contacts"].append(Person(source=False, marketing=False).crm | {"id": "", "email": "", "campus": "", "constituent": ""})
    extra["subscribers"].append({"key": "", "email": "", "status": "Active", "joined": some_time(), "unsubscribed": "", "undeliverable": ""})
    people.pop()
    show("DAT603", ("the contacts row without an id", ""), ("the subscribers row without key and address", ""))
    p = Person("Events")
    p.source["contact"] = ""
    p.marketing["key"] = ""
    near("DAT603", (p, "no key, but an address: DAT602"))

    p, q = Person("Events"), Person("Athletics")
    p.marketing["status"] = "Paused"
    q.source["status"] = "Moved?"
    show("DAT604", (p, "status `Paused`: the row is rejected"), (q, "e-mail status `Moved?`"))
    r = Person("Arts and Culture").code("MAG", date(2020, 1, 28))
    near("DAT604", (r, "code MAG is configured as `ignore`"))

    p, q = Person().out("crm", "source"), Person().out(*ALL, on=date(2026, 3, 10))
    p.source["out_on"] = "Spring 2024"
    q.marketing["unsubscribed"] = "2026-13-41"
    p.marketing |= {"status": "Unsubscribed", "unsubscribed": datetime(2024, 4, 2, 9, 30, 0)}
    show("DAT605", (p, "`Spring 2024`"), (q, "`2026-13-41`"))
    r = Person().out(*ALL, on=date(2026, 8, 27))
    r.source["out_on"] = "2026-08-27"
    near("DAT605", (r, "a date as text among date cells"))

    p = Person().out(*ALL, on=date(2026, 2, 11))
    p.source["out_on"] = date(2062, 2, 11)
    show("DAT606", (p, "2062 for 2026"))
    near("DAT606", *[(person, "a code may begin later") for person in people if ("NE", date(2026, 12, 1), None, "Active") in person.codes])

    p = Person().out("crm", "source", on=date(2026, 6, 9))
    p.marketing["status"] = "Active"
    again = dict(p.marketing, status="Unsubscribed", unsubscribed=datetime(2026, 6, 9, 13, 44, 21))
    extra["subscribers"].append(again)
    show("DAT607", (p, "Active and Unsubscribed: the latter counts"))
    q = Person().out(*ALL, on=date(2026, 9, 8))
    q.unit(WESTERN, datetime(2026, 9, 8, 15, 1, 2)).unit(MEDICINE, datetime(2026, 9, 8, 15, 3, 30))
    q.unit(WESTERN, datetime(2025, 1, 14, 18, 9, 9))
    near("DAT607", (q, "a unit's log names a subscriber as often as he unsubscribed"))

    for at in range(9):
        lead = Person(lead=True, marketing=at % 3 != 2)
        if at % 4 == 1:
            lead.out("crm", *(["marketing"] if lead.marketing else []))
    show("DAT608", ("the leads report of 7 November", "older than `max_age_days`"))
    near("DAT608", ("the other exports", "a day old"))


def zulu(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z") if at else ""


def american(at):
    if not isinstance(at, datetime):
        return at
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def slashed(day):
    return f"{day.month}/{day.day}/{day.year}" if day else ""


def write(name, rows, *, end="\n", bom=False, footer="", **dialect):
    text = io.StringIO()
    csv.writer(text, lineterminator=end, **dialect).writerows(rows)
    (INBOX / name).write_bytes((("\ufeff" if bom else "") + text.getvalue() + footer).encode())


def write_contacts():
    header = """Id FirstName LastName Email Campus_Email__c HasOptedOutOfEmail EmailBouncedReason EmailBouncedDate Ascend_ID__c
        Email_Preferences__c Email_Opt_In_Date__c Email_Opt_In_Channel__c Description LastModifiedDate""".split()
    rows = []
    everyone = [(p.first, p.last, p.crm) for p in people if p.crm and not p.lead]
    everyone += [("Robin", "Nobody", record) for record in extra["contacts"]]
    for first, last, crm in sorted(everyone, key=lambda entry: entry[2]["id"]):
        rows.append(
            [crm["id"], first, last, crm["email"], crm["campus"], "true" if crm["out"] else "false", crm["reason"]]
            + [zulu(crm["bounced"]), crm["constituent"], ";".join(crm["categories"]), zulu(crm["opt_in"]), crm["channel"]]
            + [crm["note"], zulu(crm["modified"])]
        )
    # The row without an id stands where it would catch nobody's eye.
    rows.insert(150, rows.pop(0))
    write("salesforce_contacts_2026-11-21.csv", [header, *rows], end="\r\n", bom=True, quoting=csv.QUOTE_ALL)


def write_leads():
    header = ["Lead ID", "First Name", "Last Name", "Email", "Email Opt Out", "Email Bounced Reason", "Email Bounced Date"]
    header += ["Email Preferences", "Email Opt In Date", "Email Opt In Channel"]
    rows = []
    for p in sorted((p for p in people if p.lead), key=lambda p: (p.last, p.first)):
        rows.append(
            [p.id[:15], p.first, p.last, p.email, "1" if p.crm["out"] else "0", p.crm["reason"], slashed(p.crm["bounced"])]
            + ["; ".join(p.crm["categories"]), slashed(p.crm["opt_in"]), p.crm["channel"]]
        )
    footer = ["", "", "Leads and their e-mail preferences", "Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."]
    footer += ["Confidential Information - Do Not Distribute", "Generated By: Robin Records 11/7/2026 6:02 AM", "Example University"]
    footer = "".join(f'"{line}"\n' if line else "\n" for line in footer)
    write("salesforce_leads_report_2026-11-07.csv", [header, *rows], footer=footer, quoting=csv.QUOTE_ALL)


def write_subscribers():
    header = """SubscriberID DateUndeliverable DateJoined DateUnsubscribed Domain EmailAddress BounceCount SubscriberKey
        SubscriberType Status""".split()
    records = [p.marketing for p in people if p.marketing] + extra["subscribers"]
    records.sort(key=lambda record: record["joined"])
    rows = []
    for at, record in enumerate(records):
        domain = record["email"].lower().partition("@")[2]
        bounces = {"Bounced": 1, "Bounced (Returned)": 2, "Held": 3, "Undeliverable": 3}.get(record["status"], 0)
        times = [american(record[name]) for name in ("undeliverable", "joined", "unsubscribed")]
        rows.append([41000210 + 3 * at, *times, domain, record["email"], bounces, record["key"], "Subscriber", record["status"]])
    write("marketing_cloud_all_subscribers_2026-11-21.csv", [header, *rows], end="\r\n", delimiter="\t")


def write_units():
    header = ["BusinessUnitID", "UnsubDateUTC", "UnsubReason", "SubscriberID", "SubscriberKey"]
    rows = [(at, unit, reason, p.marketing["key"]) for p in people for unit, at, reason in p.units]
    rows = [[unit, american(at), reason, 41900007 + n, key] for n, (at, unit, reason, key) in enumerate(sorted(rows))]
    write("marketing_cloud_unit_unsubscribes_2026-11-21.csv", [header, *rows], end="\r\n")


def write_constituents():
    book = Workbook()
    sheet = book.active
    sheet.title = "Constituents"
    sheet.append(["Constituents and their e-mail preferences"])
    sheet["A1"].font = Font(bold=True, size=14)
    sheet.append([])
    header = ["Constituent ID", "Full Name", "Salesforce Contact ID", "Preferred Email", "Email Opt Out", "Opt Out Date"]
    sheet.append(header + ["Email Status", "Email Preferences", "Last Modified"])
    for cell in sheet[3]:
        cell.font = Font(bold=True)
    for at, p in enumerate(sorted((p for p in people if p.source), key=lambda p: p.constituent_id)):
        record = p.source
        # Some were typed in by hand: numbers that a format shows with their zeros.
        key = int(record["id"]) if at % 25 == 9 else record["id"]
        cells = [key, f"{p.last}, {p.first}", record["contact"], record["email"], record["out"], record["out_on"]]
        sheet.append([None if cell == "" else cell for cell in cells + [record["status"], ";".join(record["categories"]), record["modified"]]])
        row = sheet.max_row
        sheet.cell(row, 1).number_format = "0000000000" if isinstance(key, int) else "@"
        sheet.cell(row, 6).number_format = "m/d/yyyy"
        sheet.cell(row, 9).number_format = "m/d/yyyy h:mm"
    for column, width in zip("ABCDEFGHI", (15, 24, 22, 36, 14, 13, 14, 20, 18)):
        sheet.column_dimensions[column].width = width
    sheet.freeze_panes = "A4"
    book.properties.creator = "Robin Records"
    book.properties.created = EXPORTED
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as given, zipfile.ZipFile(INBOX / "ascend_constituents_2026-11-21.xlsx", "w") as fixed:
        for entry in given.infolist():
            content = given.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-11-21T06:00:00Z", content)
            info = zipfile.ZipInfo(entry.filename, EXPORTED.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            fixed.writestr(info, content)


def write_preferences():
    words = {"NE": "No e-mail", "NC": "No contact", "NES": "No e-mail solicitation", "ALX": "Not Alumni News"}
    words |= {"EVI": "Events by request", "MAG": "Magazine by post"}
    header = ["Constituent ID", "Code", "Description", "Start Date", "End Date", "Status"]
    rows = []
    for p in sorted((p for p in people if p.codes), key=lambda p: p.constituent_id):
        rows += [[p.constituent_id, code, words[code], slashed(start), slashed(end), status] for code, start, end, status in p.codes]
    write("ascend_preferences_2026-11-21.csv", [header, *rows], end="\r\n")


README = """# Sample data

The exports of some three hundred made-up people at Example University, as the systems write them:

| file | what it is |
| --- | --- |
| `salesforce_contacts_2026-11-21.csv` | contacts by Data Loader: API names, BOM, 18-character ids, UTC times |
| `salesforce_leads_report_2026-11-07.csv` | leads by a report: labels, 15-character ids, a footer, two weeks old |
| `marketing_cloud_all_subscribers_2026-11-21.csv` | All Subscribers, separated by tabs, times at UTC−6 |
| `marketing_cloud_unit_unsubscribes_2026-11-21.csv` | unsubscribes of two business units, UTC |
| `ascend_constituents_2026-11-21.xlsx` | constituents: date cells, ids with leading zeros |
| `ascend_preferences_2026-11-21.csv` | preference codes, a row each |

    prefrecon run sample_data

`prefrecon.toml` fixes the run's time, so the result is the same on any day. Most people are of one mind in all systems.
These are not; a near miss looks alike, and the rule must not fire for it:

| rule | shows it | near miss |
| --- | --- | --- |
"""


def write_readme():
    def words(cases):
        return "<br>".join(f"{who}: {what}" if what else f"{who}" for who, what in cases)

    lines = [f"| {rule} | {words(cases)} | {words(misses)} |\n" for rule, (cases, misses) in sorted(shown.items())]
    note = "\n`scripts/make_sample_data.py` writes the exports and this file.\n"
    (ROOT / "README.md").write_text(README + "".join(lines) + note, encoding="utf-8")


def main():
    INBOX.mkdir(parents=True, exist_ok=True)
    for cases in (clean_people, opt_out_cases, bounce_cases, category_cases, identity_cases, data_cases):
        cases()
    for export in (write_contacts, write_leads, write_subscribers, write_units, write_constituents, write_preferences):
        export()
    write_readme()


if __name__ == "__main__":
    main()
