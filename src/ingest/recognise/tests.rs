use super::*;
use crate::ingest::delimited::head;
use crate::ingest::header::find;

fn run(file: &str, text: &str, config: &str) -> Result<(String, Recognised), Unknown> {
    let systems = Systems::built_in().unwrap();
    let config = Config::parse(config, &systems).unwrap();
    let systems = config.adjust(systems);
    let rows = head(text, b',');
    let header = find(&rows, systems.profiles().iter().flat_map(|profile| &profile.kinds)).unwrap();
    let below: Vec<&StringRecord> = rows[header.at + 1..].iter().map(|row| &row.cells).collect();
    let recognised = recognise(&[file], &header, &below, &config, &systems)?;
    let profile = &systems.profiles()[recognised.system];
    Ok((format!("{} {}", profile.name, profile.kinds[recognised.kind].name), recognised))
}

#[test]
fn every_built_in_kind_is_recognised() {
    // text | kind
    for (text, expected) in [
        ("Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDe,ana@example.org,0\n", "salesforce contacts"),
        ("ID,EMAIL,HASOPTEDOUTOFEMAIL\n003hs00004abcde,ana@example.org,0\n", "salesforce contacts"),
        ("Contact ID,Email,Email Opt Out\n003Hs00004aBcDe,ana@example.org,0\n", "salesforce contacts"),
        ("Contact ID,Email,Email Opt Out\n", "salesforce contacts"),
        ("Id,Email,HasOptedOutOfEmail\n,,0\n00QHs00004aBcDe,ana@example.org,0\n", "salesforce leads"),
        ("Lead ID,Email,Email Opt Out\n00qHs00004aBcDe,ana@example.org,0\n", "salesforce leads"),
        ("SubscriberKey,EmailAddress,Status\n003Hs00004aBcDe,ana@example.org,Active\n", "marketing_cloud subscribers"),
        (
            "ClientID,SubscriberKey,EmailAddress,SubscriberID,Status,DateHeld,DateCreated,DateUnsubscribed\n1,2,a@example.org,4,Held,,,\n",
            "marketing_cloud subscribers",
        ),
        (
            "BusinessUnitID,UnsubDateUTC,UnsubReason,SubscriberID,SubscriberKey\n1,,,4,003Hs00004aBcDe\n",
            "marketing_cloud business_unit_unsubscribes",
        ),
        ("Constituent ID,Salesforce Contact ID,Email,Email Opt Out\n1,003Hs00004aBcDe,a@example.org,N\n", "ascend constituents"),
        ("Constituent ID,Code,Start Date\n1,NE,\n", "ascend preferences"),
        ("ID Number,Service Indicator,Description,Start Date,End Date,Status\n1,NE,,,,\n", "ascend preferences"),
    ] {
        assert_eq!(run("export.csv", text, "").unwrap().0, expected, "{text}");
    }
}

#[test]
fn all_addresses_and_opt_outs_are_mapped_and_of_other_fields_the_first() {
    let config = "[systems.salesforce.columns]\nemail = [\"Email\", \"Home Email\"]\n[[category]]\nname = \"News\"\nsalesforce = \"Alumni_News__c\"";
    let text = "Home Email,Id,Email,HasOptedOutOfEmail,Email Opt Out,Alumni News c,Home Emial,Phone,Email Opt Out,Email\nh@example.org,003,,1,1,1,,,,\n";
    let (_, recognised) = run("export.csv", text, config).unwrap();
    let mapped: Vec<(usize, &str)> = recognised.mapped.iter().map(|(at, column)| (*at, column.name.as_str())).collect();
    let expected = [
        (1, "record_id"),
        (2, "email"),
        (0, "email_2"),
        (3, "opt_out"),
        (4, "opt_out_2"),
        (8, "opt_out_3"),
        (5, "categories:News"),
    ];
    assert_eq!(mapped, expected);
    let unmapped: Vec<&str> = recognised.unmapped.iter().map(|header| header.header.as_str()).collect();
    assert_eq!(unmapped, ["Home Emial", "Phone", "Email (2)"]);
}

#[test]
fn an_unmapped_header_has_a_near_miss_where_its_field_is_free() {
    let text = "Id,Email,HasOptedOutOfEmail,Email Bounced Reson,Emial\n003,,1,,\n";
    let unmapped = run("export.csv", text, "").unwrap().1.unmapped;
    let said: Vec<(&str, Option<&str>)> =
        unmapped.iter().map(|header| (header.header.as_str(), header.did_you_mean.as_deref())).collect();
    assert_eq!(said, [("Email Bounced Reson", Some("Email Bounced Reason")), ("Emial", None)]);
}

#[test]
fn what_fits_none_or_several_is_refused_with_what_to_do() {
    // file | text | configuration | said
    for (file, text, config, said) in [
        (
            "sf_2026-11-21.csv",
            "Id,E-mail,Phone\n003,a@example.org,1\n",
            "",
            &[
                "Salesforce contacts",
                "email (\"Email\")",
                "opt_out (\"HasOptedOutOfEmail\" or \"Email Opt Out\")",
                "Id, E-mail, Phone",
                "[systems.salesforce.columns] email = \"E-mail\", opt_out =",
                "files = [\"sf_*.csv\"]",
            ][..],
        ),
        ("x.csv", "Id,Email,HasOptedOutOfEmail\n001Hs00004aBcDe,,0\n", "", &["no value of its column `Id` starts with 003"]),
        (
            "x.csv",
            "SubscriberKey,EmailAddress,Statu\nk,a@example.org,Active\n",
            "",
            &["which \"Statu\" may be", "[systems.marketing_cloud.columns] status = \"Statu\""],
        ),
        ("x.csv", "SubscriberKey,BusinessUnitID\n1,2\n", "", &["needs a column for opt_out_at (\"UnsubDateUTC\")"]),
        (
            "x.csv",
            "Contact ID,Constituent ID,Email,Email Opt Out\n003Hs00004aBcDe,1,a@example.org,0\n",
            "",
            &["Salesforce contacts or CU Ascend constituents", "[systems.salesforce] files = [\"x*.csv\"]"],
        ),
        (
            "x.csv",
            "Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDe,,0\n00QHs00004aBcDe,,0\n",
            "",
            &["Salesforce contacts or Salesforce leads", "`Id`", "a file of its own"],
        ),
        (
            "sf_1.csv",
            "Constituent ID,Email,Email Opt Out\n1,a@example.org,0\n",
            "[systems.salesforce]\nfiles = [\"SF_*\"]",
            &["nearest to Salesforce contacts", "no column for record_id"],
        ),
    ] {
        match run(file, text, config) {
            Err(Unknown::None(why) | Unknown::Several(why)) => {
                for said in said {
                    assert!(why.contains(said), "{said}\nnot in\n{why}");
                }
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(run("x.csv", "Id,Email,HasOptedOutOfEmail\n", "").unwrap_err(), Unknown::NoRows);
}

#[test]
fn a_file_name_pattern_settles_the_system() {
    let text = "Contact ID,Constituent ID,Email,Email Opt Out\n003Hs00004aBcDe,1,a@example.org,0\n";
    // file | pattern of | kind
    for (file, system, expected) in
        [("weekly_x.csv", "salesforce", "salesforce contacts"), ("Weekly_X.CSV", "ascend", "ascend constituents")]
    {
        let config = format!("[systems.{system}]\nfiles = [\"weekly_*.csv\"]");
        assert_eq!(run(file, text, &config).unwrap().0, expected);
    }
}
