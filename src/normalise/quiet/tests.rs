//! Who is set aside and who is not, as worlds of [`crate::rules::testing`].

use std::sync::Arc;

use proptest::prelude::*;

use super::{Kept, Packed, Plain, Scratch};
use crate::rules::testing::{aside, found};

/// One row is a world, and how many of its records are set aside. A class of persons stands before its near misses.
const WORLDS: &[(&str, u64)] = &[
    ("crm active | marketing active | source active", 3),
    ("crm active | source active", 2),
    ("crm active | marketing active | lead active | source active | source active #lead", 5),
    ("crm active | marketing active | source out", 0),
    ("crm out | marketing unsubscribed | source out", 3),
    ("crm out | marketing active | source out", 0),
    ("crm active cats=News | source active cats=News", 2),
    ("crm active cats=News | source active cats=Events", 0),
    ("crm active cats=News | source active cats=", 0),
    // Undeliverable everywhere.
    ("crm active flagged | marketing bounced | source active invalid", 3),
    ("crm active flagged | marketing held at=2026-10-01 | source active invalid", 3),
    ("crm active | marketing bounced | source active invalid", 0),
    ("crm active flagged | marketing active | source active invalid", 0),
    ("crm active flagged | marketing held | source active", 0),
    ("crm active flagged | marketing removed | source active invalid", 3),
    ("crm active flagged | source active", 2),
    ("crm active campus=c@example.org | marketing bounced email=c@example.org | source active", 3),
    ("crm active campus=c@example.org | marketing bounced email=c@example.org | source active email=c@example.org", 0),
    ("crm active email= | marketing bounced | source active", 0),
    ("crm active email= | marketing bounced email= | source active", 3),
    ("crm out flagged | marketing unsubscribed | source out invalid", 3),
    ("crm out flagged | marketing held | source out invalid", 0),
    // No longer a subscriber.
    ("crm active | marketing removed | source active", 3),
    ("crm out | marketing removed | source out", 0),
    // Nobody says anything.
    ("crm active | marketing | source active", 3),
    ("crm active | marketing active | source", 3),
    ("crm out | marketing | source out", 0),
    ("crm out | marketing unsubscribed | source", 0),
    // Opt-ins that need beat nothing.
    ("crm active in=2026-05-01 proof | marketing active | source active", 3),
    ("crm active in=2026-05-01 | marketing active | source active", 3),
    ("crm out in=2026-05-01 proof | marketing unsubscribed | source out", 3),
    ("crm active in=2026-11-01 proof | marketing unsubscribed at=2026-10-01 | source active", 0),
    ("crm active flagged in=2026-11-01 proof | marketing held at=2026-10-01 | source active invalid", 0),
    // Two addresses.
    ("crm active campus=c@example.org | marketing active email=c@example.org | source active", 3),
    ("crm active campus=p1@example.org | marketing active | source active", 3),
    ("crm active campus=c@example.org | source active | crm active #2 email=c@example.org | source active #2", 0),
    ("crm active campus=c@example.org | source active | crm active #2 campus=c@example.org | source active #2", 0),
    ("crm active campus=c@example.org | source active | marketing active #2 email=c@example.org", 3),
    ("crm active campus=c@example.org | source active | marketing active | marketing active #2 email=c@example.org", 0),
    ("crm active campus=c@example.org | source active email=d@example.org", 0),
    // No address.
    ("crm active email= | marketing active | source active", 3),
    ("crm active | marketing active email= | source active email=", 3),
    ("crm active email= | source active | crm active #2 email=p1@example.org | source active #2 email=", 0),
    ("crm active email= | source active | marketing active #2 email=p1@example.org", 0),
    ("crm active email= | source active | lead unreadable odd email=p1@example.org", 0),
    // Known by the contact id alone, by the address alone, or by an id that is nobody's beside it.
    ("crm active no-source-id | source active", 2),
    ("crm active no-source-id | source active | crm active #2 sid=S1 | source active #2 sid=S2", 0),
    ("crm active no-source-id | source active | marketing active #2 key=S1", 0),
    ("crm active no-source-id | source active no-contact-id", 2),
    ("crm out no-source-id | source out no-contact-id", 0),
    ("crm active no-source-id | source active no-contact-id | crm active #2 email=p1@example.org | source active #2", 0),
    ("crm active | source active contact=9", 2),
    ("crm active | source active contact=2 | crm active #2 | source active #2", 0),
    ("crm active | marketing active key=003Hs0000000099 | source active", 3),
    // A subscriber under an address or a number.
    ("crm active | marketing active key=address | source active", 3),
    ("crm active | marketing active key=77 | source active", 3),
    ("crm out | marketing unsubscribed key=77 | source out", 0),
    ("crm active | marketing active key=77 | source active | crm active #2 | marketing active #2 key=77 | source active #2", 0),
    ("crm active | marketing active key=p2@example.org | source active | crm active #2 | source active #2", 0),
    ("crm active | marketing active key=77 | source active | unit North key=77", 0),
];

#[test]
fn whoever_has_nothing_to_find_is_set_aside_and_nobody_else() {
    for (world, expected) in WORLDS {
        assert_eq!(aside(world, &[]), *expected, "{world}");
        assert_eq!(found(world, true), found(world, false), "{world}");
    }
}

#[test]
fn whoever_was_opted_out_before_is_not_set_aside_while_active() {
    let contact = "003Hs0000000001IAA";
    // world | the keys of a record that was opted out | how many are set aside
    for (world, keys, expected) in [
        ("crm active | marketing active | source active", &["p1@example.org"][..], 0),
        ("crm out | marketing unsubscribed | source out", &["p1@example.org"], 3),
        ("crm active campus=c@example.org | source active", &["c@example.org"], 0),
        ("crm active email= | source active", &["p1@example.org"], 0),
        ("crm active no-source-id | source active", &["S1"], 0),
        ("crm active | marketing active key=77 | source active", &["77"], 0),
        ("crm active | marketing active key=77 | source active", &["78"], 3),
        ("crm active in=2026-11-01 proof | marketing active | source active", &[contact], 0),
        // Without its contact such a record would be taken for that of whoever has its address.
        ("crm out | source out | crm active #2 | source active #2", &[contact, "p1@example.org", "S1"], 4),
        ("crm out | source out | crm active #2 | source active #2", &[contact, "p3@example.org"], 2),
        ("crm out | source out | crm active #2 | source active #2", &[contact, "p2@example.org"], 0),
    ] {
        assert_eq!(aside(world, keys), expected, "{world}, {keys:?}");
    }
}

/// Where the disk takes nothing, memory does.
#[cfg(target_os = "linux")]
#[test]
fn records_stay_in_memory_where_the_disk_is_full() {
    let (disk, full) = (Scratch::create(&std::env::temp_dir()).unwrap(), Scratch::full());
    let packed = || {
        let mut packed = Packed::with_capacity(0, 1);
        assert!(packed.push(Plain::of_key("003Hs0000000001IAA")));
        packed
    };
    assert!(matches!(Kept::of(packed(), Some(&Arc::new(disk))), Kept::OnDisk(_)));
    assert!(matches!(Kept::of(packed(), Some(&Arc::new(full))), Kept::Here(kept) if kept.len() == 1));
}

/// What a record of each system may say; the first words are the most usual ones.
const STATES: [&[&str]; 3] = [
    &["active", "active flagged", "out"],
    &["active", "bounced", "held", "removed", "unsubscribed", ""],
    &["active", "active invalid", "out", ""],
];
const ODDITIES: [&[&str]; 3] = [
    &[
        "",
        "campus=c#@example.org",
        "email=",
        "email=p+@example.org",
        "campus=p+@example.org",
        "no-source-id",
        "sid=S+",
        "in=2026-11-01 proof",
        "in=2026-11-01",
    ],
    &[
        "",
        "email=c#@example.org",
        "email=",
        "email=p+@example.org",
        "key=address",
        "key=7#",
        "key=7+",
        "key=p+@example.org",
        "at=2026-06-01",
    ],
    &["", "email=c#@example.org", "email=", "email=p+@example.org", "no-contact-id", "contact=+", "contact=9", "sid=S+"],
];
const OTHERS: [&str; 8] = [
    "unit North ##",
    "unit North key=7#",
    "code ALX ##",
    "bounce Hard ## at=2026-06-01",
    "lead active email=c#@example.org",
    "crm active ##",
    "marketing unsubscribed ## email=c#@example.org",
    "source out ## email=",
];

/// A few persons: of each a record a system with a state and an oddity, and now and then something else.
fn world() -> impl Strategy<Value = String> {
    let pick = |few: usize| (0..10_usize, 0..few).prop_map(|(odd, at)| if odd < 6 { 0 } else { at });
    let records =
        (0..3_usize, prop::array::uniform3((pick(6), pick(9))), prop::array::uniform3(0..12_u8), (0..6_u8, 0..OTHERS.len()));
    prop::collection::vec(records, 1..4).prop_map(|persons| {
        let mut records = Vec::new();
        for (at, (usual, picks, absent, (more, other))) in persons.iter().enumerate() {
            let (own, next) = ((at + 1).to_string(), ((at + 1) % persons.len() + 1).to_string());
            let named = |words: &str| words.replace('#', &own).replace('+', &next);
            for (system, role) in ["crm", "marketing", "source"].into_iter().enumerate().filter(|(system, _)| absent[*system] > 0)
            {
                let (state, oddity) = picks[system];
                // All of a person agree in the state, but for one now and then.
                let everywhere = [["active"; 3], ["out", "unsubscribed", "out"], ["active flagged", "bounced", "active invalid"]];
                let state = STATES[system].get(state).filter(|_| state > 0).copied().unwrap_or(everywhere[*usual][system]);
                let oddity = named(ODDITIES[system].get(oddity).copied().unwrap_or_default());
                records.push(format!("{role} {state} #{own} {oddity}"));
            }
            if *more == 0 {
                records.push(named(&OTHERS[*other].replace("##", "\u{1}")).replace('\u{1}', &format!("#{own}")));
            }
        }
        if records.is_empty() { "crm active".to_owned() } else { records.join(" | ") }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever the records of a few persons say and whoever shares a key: every rule finds the same.
    #[test]
    fn rules_find_the_same_in_any_world(world in world()) {
        prop_assert_eq!(found(&world, true), found(&world, false));
    }
}
