//! The list of exceptions: what it silences, until when, and what it never does.

mod common;

use std::fs;

use calamine::{Reader, Xlsx, open_workbook};
use common::{RunFolder, Workspace};

const CONTACTS: &str = "Id,Email,HasOptedOutOfEmail,Ascend ID\n003Hs00004aBcDeIAK,ana@example.org,true,0000000001\n003Hs00004aBcDfIAK,ben@example.org,false,0000000002\n";
const SUBSCRIBERS: &str =
    "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,Active\n003Hs00004aBcDfIAK,ben@example.org,Active\n";
const CONSTITUENTS: &str = "Ascend ID,Email,Email Opt Out\n0000000001,ana@example.org,N\n0000000002,ben@example.org,Y\n";

fn over(exceptions: &str) -> Workspace {
    let workspace = Workspace::with(
        "[run]\nas_of = \"2026-11-22T06:00:00Z\"\n[systems.salesforce.columns]\nsource_id = \"Ascend ID\"\n[systems.ascend]\nfiles = [\"constituents*\"]\n[systems.salesforce]\nfiles = [\"contacts*\"]\n",
        &[
            ("contacts_2026-11-21.csv", CONTACTS),
            ("subs_2026-11-21.csv", SUBSCRIBERS),
            ("constituents_2026-11-21.csv", CONSTITUENTS),
        ],
    );
    workspace.put("decisions/exceptions.csv", &format!("who,rule,owner,until,reason\n{exceptions}"));
    workspace
}

fn outcomes(run: &RunFolder) -> Vec<String> {
    let rows = run.discrepancies().into_iter().filter(|row| row["rule"].starts_with("OPT"));
    rows.map(|row| format!("{} {} {}", row["rule"], &row["contact_id"][14..15], row["outcome"])).collect()
}

fn attention(run: &RunFolder) -> String {
    let manifest = run.manifest();
    manifest["attention"].as_array().unwrap().iter().map(|sentence| sentence.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

fn changed(run: &RunFolder) -> Vec<String> {
    let mut changes: Vec<String> =
        run.table("corrections.csv").rows().iter().map(|row| format!("{} {}", row["target"], row["record"])).collect();
    changes.sort();
    changes
}

#[test]
fn an_exception_leaves_what_it_names_and_nothing_else() {
    // the list | OPT discrepancies | what is corrected
    let (ana, ben) = ("003Hs00004aBcDeIAK", "003Hs00004aBcDfIAK");
    let all =
        ["ascend 0000000001", &format!("marketing_cloud {ana}"), &format!("marketing_cloud {ben}"), &format!("salesforce {ben}")]
            .map(str::to_owned);
    let without = |left: &[usize]| -> Vec<String> {
        all.iter().enumerate().filter(|(at, _)| !left.contains(at)).map(|(_, change)| change.clone()).collect()
    };
    for (list, expected, left) in [
        ("", "OPT101 e correct, OPT102 e correct, OPT103 f correct, OPT104 f correct", vec![]),
        (
            "ana@example.org,*,Maria Lopez,2026-12-31,board",
            "OPT101 e excepted, OPT102 e excepted, OPT103 f correct, OPT104 f correct",
            vec![0, 1],
        ),
        (
            "003Hs00004aBcDe,OPT102,Maria Lopez,2026-12-31,board",
            "OPT101 e correct, OPT102 e excepted, OPT103 f correct, OPT104 f correct",
            vec![1],
        ),
        (
            "0000000002,opt103,Maria Lopez,12/31/2026,board",
            "OPT101 e correct, OPT102 e correct, OPT103 f excepted, OPT104 f correct",
            vec![3],
        ),
    ] {
        let run = over(list).run();
        assert_eq!(outcomes(&run).join(", "), expected, "{list}");
        assert_eq!(changed(&run), without(&left), "{list}");
        let named = left.len();
        let said = attention(&run);
        assert_eq!(said.contains("critical discrepanc"), named > 0, "{list}: {said}");
    }
}

#[test]
fn it_says_who_answers_for_it_and_until_when() {
    let run = over("ana@example.org,*,Maria Lopez,2026-12-31,Board member: mailed by hand").run();
    let found = &run.of_rule("OPT102")[0];
    assert_eq!(found["why"], "An exception of Maria Lopez until 2026-12-31: Board member: mailed by hand.");
    assert_eq!(run.status, 0, "{}", attention(&run));
    assert!(attention(&run).contains("2 critical discrepancies are left as they are"), "{}", attention(&run));
    let summary = fs::read_to_string(run.path.join("summary.txt")).unwrap();
    assert!(summary.contains("excepted") && !summary.contains("ana@"), "{summary}");
    let mut book: Xlsx<_> = open_workbook(run.path.join("discrepancies.xlsx")).unwrap();
    let sheet = book.worksheet_range("Exceptions").unwrap();
    let row: Vec<String> = sheet.rows().next_back().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(row[1..4], ["ana@example.org", "*", "Maria Lopez"]);
    assert_eq!(row[6], "holds; leaves 2 discrepancies as they are");
}

#[test]
fn one_that_has_ended_comes_back_by_name() {
    let run = over("ana@example.org,*,Maria Lopez,2026-11-20,board\n0000000002,OPT109,Ken Ito,2026-11-01,old").run();
    assert!(outcomes(&run).iter().all(|outcome| outcome.ends_with("correct")));
    let said = attention(&run);
    assert!(
        said.contains("decisions/exceptions.csv, row 2 (*, Maria Lopez) ended on 2026-11-20: 2 discrepancies are back"),
        "{said}"
    );
    assert!(said.contains("row 3 (OPT109, Ken Ito) ended on 2026-11-01: nothing that it covers is found any more"), "{said}");
    // It holds through its last day, where people are.
    let last_day = over("ana@example.org,*,Maria Lopez,2026-11-21,board").run();
    assert_eq!(outcomes(&last_day)[0], "OPT101 e excepted");
}

#[test]
fn a_line_that_cannot_be_used_is_named_with_its_place_and_what_to_do() {
    // line | column and what is said
    for (line, said) in [
        (",*,Maria Lopez,2026-12-31,board", "who was not used: nobody is named"),
        (
            "ana@example.org,OPT999,Maria Lopez,2026-12-31,board",
            "rule was not used: there is no rule `OPT999`, did you mean `OPT",
        ),
        ("ana@example.org,*,,2026-12-31,board", "owner was not used: nobody answers for it"),
        ("ana@example.org,*,Maria Lopez,soon,board", "until was not used: `soon` is no day"),
        ("ana@example.org,*,Maria Lopez,2026-12-31,", "reason was not used: there is no reason"),
        ("nobody@example.org,*,Maria Lopez,2026-12-31,board", "who was not used: no record has this id or address"),
    ] {
        let run = over(line).run();
        assert_eq!(run.status, 3, "{line}");
        assert!(attention(&run).contains(&format!("decisions/exceptions.csv, row 2, {said}")), "{line}: {}", attention(&run));
        assert!(outcomes(&run).iter().all(|outcome| outcome.ends_with("correct")), "{line}: nothing is silenced");
    }
}

#[test]
fn the_list_may_be_a_workbook() {
    let workspace = over("");
    fs::remove_file(workspace.root.join("decisions/exceptions.csv")).unwrap();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Exceptions").unwrap();
    for (column, (header, cell)) in
        [("Who", "ana@example.org"), ("Rule", "OPT101"), ("Owner", "Maria Lopez"), ("Until", "2026-12-31"), ("Reason", "board")]
            .iter()
            .enumerate()
    {
        sheet.write_string(0, column as u16, *header).unwrap();
        sheet.write_string(1, column as u16, *cell).unwrap();
    }
    book.save(workspace.root.join("decisions/Exceptions 2026.xlsx")).unwrap();
    assert_eq!(outcomes(&workspace.run())[0], "OPT101 e excepted");
}

/// Whoever only shares the address is left alone; the one who said no is not.
#[test]
fn an_exception_for_a_shared_address_leaves_who_shares_it() {
    let workspace = over("couple@example.org,IDN502,Maria Lopez,2026-12-31,both have been asked\n");
    let couple =
        |text: &str| text.replace("ana@example.org", "couple@example.org").replace("ben@example.org", "couple@example.org");
    workspace.put("inbox/contacts_2026-11-21.csv", &couple(CONTACTS));
    workspace.put("inbox/subs_2026-11-21.csv", &couple(SUBSCRIBERS));
    workspace.put("inbox/constituents_2026-11-21.csv", &couple(CONSTITUENTS).replace(",Y", ",N"));
    let run = workspace.run();
    assert_eq!(run.of_rule("IDN502")[0]["outcome"], "excepted");
    assert_eq!(changed(&run), ["ascend 0000000001", "marketing_cloud 003Hs00004aBcDeIAK"]);
}

/// Ben shares one address with Ana, whom an exception is about, and another with Cleo, who said no too.
#[test]
fn an_exception_for_one_address_is_none_for_another() {
    let crm = "Id,Email,HasOptedOutOfEmail,Email 2\n003Hs00004aBcDeIAK,one@example.org,true,\n\
               003Hs00004aBcDfIAK,one@example.org,false,two@example.org\n003Hs00004aBcDgIAK,two@example.org,true,\n";
    let platform = "SubscriberKey,EmailAddress,Status\n003Hs00004aBcDfIAK,one@example.org,Active\n";
    let configuration = "[systems.salesforce.columns]\nemail = [\"Email\", \"Email 2\"]\n";
    let workspace = Workspace::with(configuration, &[("sf_2026-11-21.csv", crm), ("mc_2026-11-21.csv", platform)]);
    let exception = "003Hs00004aBcDeIAK,IDN502,Maria Lopez,2026-12-31,known couple\n";
    workspace.put("decisions/exceptions.csv", &format!("who,rule,owner,until,reason\n{exception}"));
    let run = workspace.run();
    let mut outcomes: Vec<String> = run.of_rule("IDN502").iter().map(|row| row["outcome"].clone()).collect();
    outcomes.sort();
    assert_eq!(outcomes, ["correct", "excepted"]);
    assert_eq!(changed(&run), ["marketing_cloud 003Hs00004aBcDfIAK", "salesforce 003Hs00004aBcDfIAK"]);
}

/// An exception for the box that was unticked leaves nothing of what the platform says, also while its export is late.
#[test]
fn an_exception_for_an_unticked_box_covers_no_unsubscribe_that_is_late() {
    let workspace = Workspace::with("", &[]);
    let crm = |out: &str| format!("Id,Email,HasOptedOutOfEmail\n003Hs00004aBcDeIAK,ana@example.org,{out}\n");
    let platform = |state: &str| format!("SubscriberKey,EmailAddress,Status\n003Hs00004aBcDeIAK,ana@example.org,{state}\n");
    let exception = "ana@example.org,OPT113,Maria Lopez,2026-12-31,unticked on purpose\n";
    workspace.put("decisions/exceptions.csv", &format!("who,rule,owner,until,reason\n{exception}"));
    let mut told = Vec::new();
    for (day, out, state) in [
        ("2026-11-07", "true", Some("Active")),
        ("2026-11-14", "false", Some("Active")),
        ("2026-11-21", "false", Some("Unsubscribed")),
        ("2026-11-28", "false", None),
    ] {
        fs::remove_dir_all(workspace.inbox()).unwrap();
        fs::create_dir_all(workspace.inbox()).unwrap();
        workspace.put(&format!("inbox/contacts_{day}.csv"), &crm(out));
        state.iter().for_each(|state| workspace.put(&format!("inbox/mc_{day}.csv"), &platform(state)));
        let run = workspace.run_as_of(Some(&format!("{day}T20:00:00Z")));
        told.push(run.of_rule("OPT113").iter().map(|row| row["outcome"].clone()).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(told, ["", "excepted", "excepted", "correct"]);
}
