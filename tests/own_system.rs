//! A system of the site's own, added by a TOML file alone: read, compared by every rule of its role, corrected and settled.

mod common;

use std::collections::BTreeSet;

use common::importer::{export, load};
use common::{Table, Workspace, files_below, prefrecon};

/// The membership register of a society: a source system with words, dates and ids of its own.
const ALMANAC: &str = r#"
name = "almanac"
title = "Almanac"
role = "source"
zone = "America/Denver"
date_order = "dmy"
blank_opt_out = "unknown"
category_separator = "+"
placeholders = ["?"]

[booleans]
true = ["X"]
false = ["O"]

[email_status]
active = ["Good"]
bounced = ["Dead"]

[[kinds]]
name = "members"
noun = "member"
grain = "contact"
key = "source_id"
required = ["source_id", "email", "opt_out"]
shapes = { source_id = "number:6", contact_id = "salesforce" }

[kinds.columns]
source_id = ["Member No"]
contact_id = ["Sforce"]
email = ["Letterbox"]
opt_out = ["No Mail"]
opt_out_at = ["No Mail Since"]
status = ["Letterbox State"]
categories = ["Letters"]

[[corrections]]
kinds = ["members"]
purpose = "opt_out"
file = "almanac_no_mail.csv"
columns = [{ header = "Member No", take = "record_id" }, { header = "No Mail", set = "X" }, { header = "Since", take = "effective" }]

[[corrections]]
kinds = ["members"]
purpose = "opt_in"
file = "almanac_mail_again.csv"
columns = [{ header = "Member No", take = "record_id" }, { header = "No Mail", set = "O" }]

[[corrections]]
kinds = ["members"]
purpose = "categories"
file = "almanac_letters.csv"
columns = [{ header = "Member No", take = "record_id" }, { header = "Letters", write = "categories" }]

[[corrections]]
kinds = ["members"]
purpose = "bounced"
file = "almanac_letterboxes.csv"
columns = [{ header = "Member No", take = "record_id" }, { header = "Letterbox State", set = "Dead" }]
"#;

const CONFIGURATION: &str = r#"
[[category]]
name = "Alumni News"
almanac = "N"
[[category]]
name = "Events"
almanac = "E"
[[category]]
name = "Gala"
almanac = "G"
retired = true
[policy]
category_authority = "salesforce"
"#;

fn workspace() -> Workspace {
    let workspace = Workspace::with(
        CONFIGURATION,
        &[
            (
                "salesforce_contacts_2026-11-21.csv",
                "Id,Email,HasOptedOutOfEmail,EmailBouncedReason,EmailBouncedDate,Email_Preferences__c,Email_Opt_In_Date__c,Email_Opt_In_Channel__c\n\
                 003Hs0000000001IAA,p1@example.org,true,,,,,\n\
                 003Hs0000000002IAA,p2@example.org,false,,,Alumni News,,\n\
                 003Hs0000000003IAA,p3@example.org,false,,,Alumni News,,\n\
                 003Hs0000000004IAA,p4@example.org,false,,,Alumni News,2026-11-10T10:00:00.000Z,Web form\n\
                 003Hs0000000005IAA,p5@example.org,true,,,,,\n\
                 003Hs0000000006IAA,p6@example.org,false,550,2026-11-01T10:00:00.000Z,Alumni News,,\n\
                 003Hs0000000007IAA,p7@example.org,false,,,Events,,\n\
                 003Hs0000000008IAA,p8@example.org,false,,,,,\n\
                 003Hs0000000009IAA,p9@example.org,false,,,Events,,\n",
            ),
            (
                "marketing_cloud_subscribers_2026-11-21.csv",
                "SubscriberKey,EmailAddress,Status,DateUnsubscribed,DateUndeliverable\n\
                 003Hs0000000002IAA,p2@example.org,Active,,\n\
                 003Hs0000000003IAA,p3@example.org,Unsubscribed,11/10/2026 9:00:00 AM,\n\
                 003Hs0000000006IAA,p6@example.org,Bounced,,11/01/2026 9:00:00 AM\n",
            ),
            (
                "members_2026-11-21.csv",
                "Member No,Sforce,Letterbox,No Mail,No Mail Since,Letterbox State,Letters\n\
                 1,003Hs0000000001IAA,p1@example.org,O,,Good,N\n\
                 2,003Hs0000000002IAA,p2@example.org,X,05/11/2026,Good,N\n\
                 3,003Hs0000000003IAA,p3@example.org,O,,Good,N\n\
                 4,003Hs0000000004IAA,p4@example.org,X,02/11/2026,Good,N\n\
                 5,003Hs0000000005IAA,p5@example.org,?,,Good,\n\
                 6,003Hs0000000006IAA,p6@example.org,O,,Good,N\n\
                 7,003Hs0000000007IAA,old7@example.org,O,,Good,N+E+G\n\
                 8,003Hs0000000008IAA,p8@example.org,O,,Good,\n\
                 10,,stranger@example.org,O,,Good,N\n\
                 11,,not an address,O,,Good,N\n\
                 12,,p12@example.org,perhaps,,Good,N\n\
                 12,,p12@example.org,O,31/02/2026,Good,N\n\
                 13,,p13@example.org,X,24/12/2026,Good,\n\
                 13,,p13@example.org,X,,Good,\n\
                 A-14,,p14@example.org,O,,Good,N\n\
                 ?,,?,O,,Good,N\n",
            ),
        ],
    );
    workspace.put("systems/almanac.toml", ALMANAC);
    workspace
}

#[test]
fn a_profile_alone_brings_every_rule_of_its_role() {
    let run = workspace().run_as_of(Some(common::AS_OF));
    run.assert_rows_are_accounted_for();
    let concerns = |row: &common::Row| row["a_system"] == "almanac" || row["b_system"] == "almanac";
    let found: BTreeSet<String> = run.discrepancies().iter().filter(|row| concerns(row)).map(|row| row["rule"].clone()).collect();
    let expected = [
        "BNC204", "CAT301", "CAT302", "CAT303", "DAT601", "DAT602", "DAT603", "DAT604", "DAT605", "DAT606", "DAT607", "IDN503",
        "IDN505", "OPT101", "OPT103", "OPT104", "OPT106", "OPT107", "OPT109",
    ];
    let missing: Vec<&&str> = expected.iter().filter(|rule| !found.contains(**rule)).collect();
    assert!(missing.is_empty(), "{missing:?} not among {found:?}");
    // Absence from the register shows beside the others' records.
    assert_eq!(run.of_rule("IDN506").len(), 1);
    let ids: BTreeSet<&str> = BTreeSet::from(["000001", "000003", "000005"]);
    let no_mail = run.table("corrections/almanac_no_mail.csv");
    assert_eq!(no_mail.header, ["Member No", "No Mail", "Since"]);
    assert_eq!(no_mail.cells.iter().map(|row| row[0].as_str()).collect::<BTreeSet<_>>(), ids);
}

#[test]
fn one_round_of_its_own_correction_files_settles_it() {
    let workspace = workspace();
    let run = workspace.run_as_of(Some(common::AS_OF));
    let mut exports = workspace.exports();
    let files = files_below(&run.path.join("corrections"));
    let own: Vec<&String> = files.keys().filter(|file| file.starts_with("almanac_")).collect();
    assert_eq!(own, ["almanac_letterboxes.csv", "almanac_letters.csv", "almanac_mail_again.csv", "almanac_no_mail.csv"]);
    for file in own {
        let register = export(&mut exports, "members_");
        for row in Table::parse(&String::from_utf8(files[file].clone()).unwrap()).rows() {
            let by = register.at("Member No");
            let field = ["No Mail", "Letters", "Letterbox State"].into_iter().find(|field| row.contains_key(*field)).unwrap();
            let (to, since) = (register.at(field), register.at("No Mail Since"));
            let number = row["Member No"].trim_start_matches('0');
            for cells in register.cells.iter_mut().filter(|cells| cells[by] == number) {
                cells[to].clone_from(&row[field]);
                if field == "No Mail" {
                    cells[since] = String::new();
                }
            }
        }
        std::fs::remove_file(run.path.join("corrections").join(file)).unwrap();
    }
    load(&mut exports, &run.path.join("corrections"));
    let next = workspace.over(&exports);
    next.put("systems/almanac.toml", ALMANAC);
    let left: Vec<_> =
        next.run_as_of(Some(common::AS_OF)).discrepancies().into_iter().filter(|row| row["outcome"] == "correct").collect();
    assert!(left.is_empty(), "{left:#?}");
}

/// A profile begins as a copy of another; as long as both have the same headers, the files' names tell them apart.
#[test]
fn a_copy_of_a_profile_is_told_apart_by_the_names_of_files() {
    let shown = prefrecon(["systems", "show", "ascend"]);
    assert_eq!(shown.status, 0);
    let copy =
        shown.out.replace("name = \"ascend\"", "name = \"register\"").replace("title = \"CU Ascend\"", "title = \"Register\"");
    let copy = copy.replace("\"ascend_", "\"register_");
    let contacts =
        ("salesforce_contacts_2026-11-21.csv", "Id,Email,HasOptedOutOfEmail\n003Hs0000000001IAA,p1@example.org,true\n");
    let members = (
        "register_2026-11-21.csv",
        "Constituent ID,Salesforce Contact ID,Email,Email Opt Out\n0000000001,003Hs0000000001IAA,p1@example.org,N\n",
    );
    let unsettled = Workspace::with("", &[contacts, members]);
    unsettled.put("systems/register.toml", &copy);
    let checked = unsettled.call("check", &["--as-of", common::AS_OF]).out;
    assert!(checked.contains("it could be") && checked.contains("files = [\"register_*.csv\"]"), "{checked}");
    let settled = Workspace::with("[systems.register]\nfiles = [\"register_*.csv\"]\n", &[contacts, members]);
    settled.put("systems/register.toml", &copy);
    let run = settled.run_as_of(Some(common::AS_OF));
    assert_eq!(run.of_rule("OPT101")[0]["b_system"], "register");
    assert!(run.path.join("corrections/register_opt_out.csv").exists());
}

#[test]
fn what_is_wrong_with_a_profile_is_said_with_its_file_and_what_is_known() {
    // the profile, changed | what the message must say
    for (from, to, said) in [
        ("blank_opt_out", "blank_optout", "did you mean `blank_opt_out`?"),
        ("number:6", "digits:6", "`number:WIDTH`"),
        ("role = \"source\"", "role = \"register\"", "source"),
        ("key = \"source_id\"", "key = \"record_id\"", "`record_id`"),
        ("kinds = [\"members\"]\npurpose = \"opt_in\"", "kinds = [\"people\"]\npurpose = \"opt_in\"", "known are members"),
        ("{ header = \"No Mail\", set = \"O\" }", "{ header = \"No Mail\" }", "exactly one of"),
        ("zone = \"America/Denver\"", "zone = \"Mars\"", "Mars"),
        ("name = \"almanac\"", "name = \"ascend\"", "a name of its own"),
    ] {
        let workspace = Workspace::with("", &[]);
        assert!(ALMANAC.contains(from), "{from}");
        workspace.put("systems/almanac.toml", &ALMANAC.replacen(from, to, 1));
        let said_by = workspace.call("check", &[]);
        assert_eq!(said_by.status, 2, "{to}: {}", said_by.err);
        assert!(said_by.err.contains("almanac.toml") && said_by.err.contains(said), "{to}\n{}", said_by.err);
    }
}
