//! What makes a discrepancy the same from run to run: its cells in `discrepancies.csv` that name it.

use crate::classify::{Detail, Found, World};
use crate::decisions::Identity;
use crate::normalise::{Facts, col};
use crate::rules::RULES;

/// Rule, contact id, address, subject, and system and record of both sides.
pub(crate) fn identity(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Identity {
    let record = |ix: Option<u32>| ix.map(|ix| facts.name(ix)).unwrap_or_default();
    let system = |ix: Option<u32>| ix.map(|ix| facts.profile(ix).name.as_str()).unwrap_or_default();
    [
        RULES[found.rule].code,
        found.person.and_then(|person| world.name(person)).unwrap_or_default(),
        email(found, world, facts),
        found.subject.map(|subject| world.texts.get(subject)).unwrap_or_default(),
        a_system(found, world).unwrap_or_else(|| system(found.a)),
        record(found.a),
        system(found.b),
        record(found.b),
    ]
    .map(str::to_owned)
}

/// The address that a discrepancy is about: its own, else the contact's first, else that of a record. A bad cell
/// speaks of its own record alone.
pub(crate) fn email<'a>(found: &Found, world: &World<'a>, facts: &Facts<'a>) -> &'a str {
    if found.email.is_some() || matches!(found.detail, Detail::Finding(_)) {
        return found.email.map(|email| world.texts.get(email)).unwrap_or_default();
    }
    let first = |ix: u32| facts.text(col::EMAILS[0], ix);
    match found.person.and_then(|person| world.matched.contact(person)) {
        Some((contact, _)) => first(contact),
        None => [found.a, found.b].into_iter().flatten().map(first).find(|email| !email.is_empty()).unwrap_or_default(),
    }
}

/// The system of a bad row or a stale file, which have no record.
pub(crate) fn a_system<'a>(found: &Found, world: &World<'a>) -> Option<&'a str> {
    match found.detail {
        Detail::Finding(at) => Some(&world.systems.profiles()[world.findings[at].system].name),
        Detail::File(at) => world.files[at].system.as_deref(),
        _ => None,
    }
}
