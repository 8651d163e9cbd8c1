//! Why each discrepancy ends as it does, in words that a records clerk understands.

use std::collections::BTreeSet;

use chrono::DateTime;

use crate::classify::{Detail, Found, World};
use crate::columns::{Delivery, Opt, Role};
use crate::consent::Wish;
use crate::decide::brake::outs_of;
use crate::decide::categories::book_of;
use crate::ledger::Signal;
use crate::normalise::{Facts, col};
use crate::rules::RULES;
use crate::systems::Grain;
use crate::times::{Moment, Zone};
use crate::wording::capital;

/// Writes the sentences of a run.
pub(crate) struct Sentences<'a> {
    pub world: &'a World<'a>,
    pub facts: &'a Facts<'a>,
}

/// Signals that one sentence names; further ones are counted.
const NAMED: usize = 3;

impl Sentences<'_> {
    /// What a person wants, whatever it is, and why.
    pub fn wish(&self, person: u32) -> String {
        match self.world.consent.wishes.get(&person).and_then(|wish| wish.decision) {
            Some(Opt::Out) => self.decision(person),
            Some(Opt::In) => self.opted_in(&Found {
                rule: 0,
                person: Some(person),
                a: None,
                b: None,
                subject: None,
                email: None,
                office: false,
                detail: Detail::None,
            }),
            _ => "Nothing counts as an opt-out or as an explicit opt-in: the defaults of the systems hold.".to_owned(),
        }
    }

    /// Why a person is opted out.
    pub fn decision(&self, person: u32) -> String {
        let Some(wish) = self.world.consent.wishes.get(&person) else { return String::new() };
        let mut sentence = match wish.shared {
            Some((sharer, address)) => format!(
                "Shares {} with {}, and an opt-out holds for all who share it: {}.",
                self.world.texts.get(address),
                self.world.name(sharer).unwrap_or("another person"),
                self.signals(outs_of(person, self.world))
            ),
            None => format!("{}.", capital(&self.own_signals(wish))),
        };
        sentence.push_str(&self.losing_opt_in(wish));
        sentence
    }

    /// A discrepancy of an opted-out person.
    pub fn opted_out(&self, found: &Found) -> String {
        let decision = found.person.map(|person| self.decision(person)).unwrap_or_default();
        format!("{decision} So every record of this person is opted out.")
    }

    /// A discrepancy of a person whose opt-in wins.
    pub fn opted_in(&self, found: &Found) -> String {
        let wish = found.person.and_then(|person| self.world.consent.wishes.get(&person));
        let Some((wish, proof)) = wish.and_then(|wish| Some((wish, wish.opted_in?))) else { return String::new() };
        let evidence = self.facts.text(col::EVIDENCE, proof);
        let evidence = if evidence.is_empty() { String::new() } else { format!(" (evidence: {evidence})") };
        let failed = found.b.and_then(|ix| Some((ix, self.facts.failed_at(ix)?)));
        let later = if let (Some((ix, at)), true) = (failed, wish.outs.is_empty()) {
            let what = if self.facts.delivery(ix) == Delivery::Held { "was held" } else { "bounced" };
            format!("after the address {what} in {} ({})", self.title(ix), self.when(at, ix))
        } else if wish.outs.is_empty() {
            "and nothing speaks against it".to_owned()
        } else {
            format!("later than every opt-out: {}", self.signals(&wish.outs))
        };
        let on = self.facts.in_at(proof).map(|at| format!(" on {}", self.when(at, proof)));
        let on = on.or_else(|| self.seen_opting_in(proof)).unwrap_or_default();
        let code = found.b.filter(|ix| self.facts.has(col::CODE, *ix) && !self.facts.is_out_by_code_alone(*ix));
        let code = code.map(|ix| format!(" End the code {} there too.", self.facts.text(col::CODE, ix))).unwrap_or_default();
        match self.facts.decision(proof) {
            Some(said) => format!("Opted back in by decision of {}, with a permission{on}{evidence}, {later}.{code}", said.by),
            None => format!("Opted back in in {}{on}{evidence}, {later}.{code}", self.title(proof)),
        }
    }

    /// What no file can do for a person whom a code opts out.
    pub fn end_the_code(&self, found: &Found) -> String {
        let Some(ix) = found.b else { return String::new() };
        format!("The code {} alone opts the record out: end it in {} by hand.", self.facts.text(col::CODE, ix), self.title(ix))
    }

    /// A subscription preference that an unsubscribe record of the list contradicts.
    pub fn list_barred(&self, found: &Found) -> String {
        let (Some(a), Some(b)) = (found.a, found.b) else { return String::new() };
        let list = self.facts.text(col::LIST, a);
        let said = self.facts.out_at(b).map_or(", date unknown".to_owned(), |at| format!(" of {}", self.when(at, b)));
        format!("{} has an unsubscribe record for {list}{said}, so the preference is set to Out.", self.title(a))
    }

    /// An opt-out that no unsubscribe record backs.
    pub fn unbacked(&self, found: &Found) -> String {
        let Some(a) = found.a else { return String::new() };
        let list = self.facts.text(col::LIST, a);
        if list.is_empty() {
            let decision = found.person.map(|person| self.decision(person)).unwrap_or_default();
            return format!("{decision} The record is added, so that no duplicate of the contact is mailed.");
        }
        format!("The preference for {list} is Out, and no unsubscribe record bars the list: the record is added.")
    }

    /// An address that bounced or is held.
    pub fn bounced(&self, found: &Found) -> String {
        let (Some(failed), Some(other)) = (found.a, found.b) else { return String::new() };
        let when = match self.facts.failed_at(failed) {
            Some(at) => format!("since {}", self.when(at, failed)),
            None => "date unknown".to_owned(),
        };
        let what = if self.facts.delivery(failed) == Delivery::Held { "is held by" } else { "bounced in" };
        format!(
            "The address {what} {} ({when}) and {} does not show it.{}",
            self.title(failed),
            self.title(other),
            if self.facts.opt(failed) == Opt::Out { "" } else { " A bounce says nothing about consent." }
        )
    }

    /// A category that is still on.
    pub fn category_cleared(&self, found: &Found) -> String {
        let decision = found.person.map(|person| self.decision(person)).unwrap_or_default();
        format!("{decision} So every category is cleared.")
    }

    /// A category that differs.
    pub fn category_moved(&self, found: &Found, because: &str) -> String {
        let (Detail::Category { on_in_a }, Some(a), Some(b)) = (&found.detail, found.a, found.b) else { return String::new() };
        let (on, off) = if *on_in_a { (a, b) } else { (b, a) };
        format!("On in {}, off in {}; {because}.", self.title(on), self.title(off))
    }

    /// Contacts that share an address and disagree.
    pub fn shared(&self, found: &Found) -> String {
        let mut losing = found_contacts(found)
            .iter()
            .filter_map(|person| self.world.consent.wishes.get(person))
            .map(|wish| self.losing_opt_in(wish));
        let losing = losing.find(|sentence| !sentence.is_empty()).unwrap_or_default();
        format!("{} The opt-out holds for everybody at the address.{losing}", self.contacts(found))
    }

    /// Something that rests on an office's address.
    pub fn office(&self, found: &Found) -> String {
        let undone = found.a.filter(|_| RULES[found.rule].code == "OPT113");
        let of = |ix: Option<u32>| ix.map(|ix| self.facts.text(col::EMAILS[0], ix));
        let address = [found.email.map(|email| self.world.texts.get(email)), of(found.b), of(undone)];
        let address = address.into_iter().flatten().find(|address| !address.is_empty()).unwrap_or("This address");
        let undone = undone.map(|ix| format!("{}. ", capital(&self.signal(ix)))).unwrap_or_default();
        format!(
            "{undone}{address} is on more contacts than max_shared = {}: an office's address opts nobody out, so a person must decide.{}",
            self.world.config.policy.max_shared,
            if matches!(found.detail, Detail::Contacts(_)) { format!(" {}", self.contacts(found)) } else { String::new() }
        )
    }

    /// An opted-out record without a contact, whose address another one is mailed at.
    pub fn overlooked(&self, found: &Found, mailed: u32) -> String {
        format!(
            "{} It is opted out, and its address is active in {} under {}: opt that out by hand, unless it is somebody else's.",
            self.shown(found),
            self.title(mailed),
            self.facts.name(mailed)
        )
    }

    /// What is shown and not corrected.
    pub fn shown(&self, found: &Found) -> String {
        let rule = RULES[found.rule];
        let a = found.a.map(|ix| self.title(ix)).unwrap_or_default();
        match (&found.detail, rule.code) {
            (Detail::Finding(at), _) => self.finding(*at),
            (Detail::File(at), _) => {
                let file = &self.world.files[*at];
                let made = file.as_of.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default();
                format!(
                    "{} was made on {made}, more than {} days before this run; what rests on it alone is held. Export it again.",
                    file.file, self.world.config.inbox.max_age_days
                )
            }
            (Detail::Contacts(_), _) => self.contacts(found),
            (Detail::Lists(memberships), _) => {
                let states: Vec<String> = memberships
                    .iter()
                    .map(|ix| format!("{} {}", self.facts.text(col::UNIT, *ix), self.facts.text(col::WORD, *ix)))
                    .collect();
                format!("{a}: {}. The person chose between lists; one opt-out box cannot say it.", states.join(", "))
            }
            (_, "CAT303") => {
                let odd = found.subject.map(|subject| self.world.texts.get(subject)).unwrap_or_default();
                let book = found.a.map(|ix| book_of(ix, self.world, self.facts));
                format!("{a} has \"{odd}\": {}.", book.map(|book| book.oddity(odd)).unwrap_or_default())
            }
            (_, "IDN503") => {
                let address = |ix: Option<u32>| ix.map(|ix| self.facts.text(col::EMAILS[0], ix)).unwrap_or_default();
                let b = found.b.map(|ix| self.title(ix)).unwrap_or_default();
                format!(
                    "{a} has {}, {b} has {}: find out which is right.",
                    or_nothing(address(found.a)),
                    or_nothing(address(found.b))
                )
            }
            (Detail::PointsAt { key, persons }, _) => {
                let own = found.person.and_then(|person| self.world.name(person)).unwrap_or_default();
                let names: Vec<&str> = persons.iter().filter_map(|person| self.world.name(*person)).collect();
                format!(
                    "{a} ties the record to {own} by its id, but its {key} is that of {} alone; the id wins.",
                    names.join(", ")
                )
            }
            (_, "IDN505") => format!("No contact or lead of the CRM has the key or the address of this record of {a}."),
            (_, "IDN506") => {
                format!("No record of the source belongs to this contact of {a} by its id, its constituent id or an address.")
            }
            (_, "CAT304") => "Not opted out, and no category is on in any system that keeps them.".to_owned(),
            (_, "BNC203") => {
                let b = found.b.map(|ix| self.title(ix)).unwrap_or_default();
                format!("{a} flags the address as bounced, and {b} mails it: clear the flag if mail arrives.")
            }
            _ => format!("{}{}", if a.is_empty() { String::new() } else { format!("{a}: ") }, lower(rule.finds)),
        }
    }

    fn finding(&self, at: usize) -> String {
        let finding = &self.world.findings[at];
        let file = &self.world.files[finding.input as usize];
        let header =
            file.mapped.iter().find(|column| column.field == finding.field).map_or(finding.field.name(), |column| &column.header);
        let value = finding.value.map(|value| self.world.texts.get(value)).unwrap_or_default();
        let value = if value.is_empty() { "blank".to_owned() } else { format!("\"{value}\"") };
        format!("{}, row {}, {header} {value}: {}.", file.file, finding.row, self.world.texts.get(finding.reason))
    }

    fn contacts(&self, found: &Found) -> String {
        let Detail::Contacts(persons) = &found.detail else { return String::new() };
        let named: Vec<String> = persons
            .iter()
            .map(|person| {
                let own = self.world.consent.wishes.get(person).and_then(|wish| wish.own);
                let state = match own {
                    Some(Opt::Out) => " (opted out)",
                    Some(Opt::In) => " (opted in)",
                    _ => "",
                };
                format!("{}{state}", self.world.name(*person).unwrap_or_default())
            })
            .collect();
        format!("On {} contacts: {}.", named.len(), named.join(", "))
    }

    /// The opt-outs of a person's records, and of those that are not exported any more.
    fn own_signals(&self, wish: &Wish) -> String {
        let absent = wish.absent.iter().map(|at| self.absent(*at));
        let shown = Some(self.signals(&wish.outs)).filter(|signals| !signals.is_empty());
        shown.into_iter().chain(absent.collect::<BTreeSet<_>>().into_iter().take(NAMED)).collect::<Vec<_>>().join("; ")
    }

    /// The opt-out of a record that is not exported any more, by its place among those.
    pub fn absent(&self, at: usize) -> String {
        let absent = &self.world.consent.recalled.absent[at];
        let profile = &self.world.systems.profiles()[absent.system];
        let kind = &profile.kinds[absent.kind];
        let is_log = kind.grain.is_log();
        let is_here =
            || is_log || self.world.files.iter().any(|file| file.is_used() && file.is_taken_for(&profile.name, &kind.name));
        let why = match absent.gone {
            true => "which has no such record any more",
            false if is_here() => {
                if is_log {
                    "as an earlier log said"
                } else {
                    "as an earlier export said"
                }
            }
            false => "which was not exported this time",
        };
        let zone = Zone::parse(&profile.zone).unwrap_or(Zone::UTC);
        format!("opted out in {}{}, {why}", profile.title, self.remembered(&absent.signal, zone))
    }

    /// When a remembered opt-out was made; a bare date is one of its system's zone.
    fn remembered(&self, signal: &Signal, zone: Zone) -> String {
        let day = |millis: i64| self.local_day(millis);
        match (signal.dated, signal.after) {
            (Some(dated), _) if dated.is_day() => format!(" on {}", zone.day_of(dated.start())),
            (Some(dated), _) => format!(" on {}", day(dated.from)),
            (None, Some(after)) => format!(" between {} and {}", day(after), day(signal.seen)),
            (None, None) => format!(" before {}", day(signal.seen)),
        }
    }

    fn local_day(&self, millis: i64) -> String {
        let zone = self.world.config.timezone().unwrap_or(chrono_tz::UTC);
        DateTime::from_timestamp_millis(millis).unwrap_or_default().with_timezone(&zone).date_naive().to_string()
    }

    fn signals(&self, outs: &[u32]) -> String {
        // In the order of their words, not of the rows.
        let all: BTreeSet<(bool, i64, String)> = outs
            .iter()
            .map(|ix| {
                let at = self.facts.out_at(*ix);
                (at.is_none(), at.map_or(0, |at| at.from), self.signal(*ix))
            })
            .collect();
        let mut named: Vec<String> = all.iter().take(NAMED).map(|(_, _, words)| words.clone()).collect();
        if all.len() > NAMED {
            named.push(format!("and {} more", all.len() - NAMED));
        }
        named.join("; ")
    }

    /// An opt-out, with its time.
    pub fn signal(&self, ix: u32) -> String {
        let recalled = &self.world.consent.recalled;
        let keeps_lists = self.facts.profile(ix).keeps_memberships();
        if let Some(signal) = recalled.of.get(&ix).filter(|_| self.facts.opt(ix) != Opt::Out) {
            let unit = self.facts.text(col::UNIT, ix);
            let of = if keeps_lists { "list" } else { "business unit" };
            let unit = if unit.is_empty() { String::new() } else { format!(" ({of} {unit})") };
            let made = self.remembered(signal, self.facts.zone(ix));
            return format!("opted out in {}{unit}{made}, and not any more, without an opt-in that counts", self.title(ix));
        }
        if let Some(signal) = recalled.undone(ix).filter(|_| keeps_lists) {
            let made = self.remembered(signal, self.facts.zone(ix));
            return format!("unsubscribed from every list of {}{made}, and not from all that there are now", self.title(ix));
        }
        let when = self.facts.out_at(ix).map(|at| self.when(at, ix));
        if let Some(decision) = self.facts.decision(ix) {
            let on = when.map(|when| format!(" on {when}")).unwrap_or_default();
            return format!("opted out by decision of {}{on} ({})", decision.by, decision.reason);
        }
        let unknown = || match recalled.window(ix) {
            Some((Some(after), seen)) => format!(" between {} and {}", self.local_day(after), self.local_day(seen)),
            Some((None, seen)) => format!(" before {}", self.local_day(seen)),
            None => ", date unknown".to_owned(),
        };
        let ours = match recalled.of.get(&ix).and_then(|signal| Some((signal.echo.as_deref()?, signal.dated))) {
            Some((echo, Some(dated))) if dated.until > echo.written => ", perhaps by a correction of this program",
            Some(_) => ", by a correction of this program",
            None => "",
        };
        let said =
            |word: &str| when.as_ref().map_or_else(|| format!("{}{ours}", unknown()), |when| format!(" {word} {when}{ours}"));
        let on = said("on");
        let (title, unit) = (self.title(ix), self.facts.text(col::UNIT, ix));
        match self.facts.profile(ix).role {
            _ if self.facts.has(col::CODE, ix) => {
                let code_since = self.facts.code_at(ix).map(|at| format!(" since {}", self.facts.zone(ix).day_of(at)));
                let code_since = code_since.unwrap_or(", date unknown".to_owned());
                let boxed = if self.facts.is_out_by_code_alone(ix) { "" } else { ", and its box" };
                format!("code {} in {title}{code_since}{boxed}", self.facts.text(col::CODE, ix))
            }
            _ if self.facts.kind(ix).grain == Grain::Unsubscribe => format!("unsubscribe record in {title}{}", said("of")),
            Role::Marketing if self.facts.profile(ix).keeps_memberships() => {
                let word = self.facts.text(col::WORD, ix);
                match self.facts.delivery(ix) {
                    Delivery::Bounced => format!("bounced for good in {title}{}", said("since")),
                    _ if self.facts.profile(ix).suppresses(self.facts.kind(ix), word) => {
                        format!("stopped on every list of {title} ({word}){on}")
                    }
                    _ if unit.is_empty() => format!("unsubscribed in {title}{on}"),
                    _ => format!("unsubscribed from every list of {title}{on}"),
                }
            }
            Role::Marketing if !unit.is_empty() => format!("unsubscribed in business unit {unit} of {title}{on}"),
            Role::Marketing => format!("unsubscribed in {title}{on}"),
            _ => format!("opted out in {title}{on}"),
        }
    }

    fn losing_opt_in(&self, wish: &Wish) -> String {
        if wish.decision != Some(Opt::Out) {
            return String::new();
        }
        let date = |ix: u32| match self.facts.in_at(ix) {
            Some(at) => format!(" of {}", self.when(at, ix)),
            None => self.seen_opting_in(ix).unwrap_or_default(),
        };
        match (wish.opted_in, wish.unproven) {
            (Some(ix), _) => format!(
                " The opt-in{} does not count: it is not provably later than every opt-out by more than {} hours.",
                date(ix),
                self.world.config.policy.clock_tolerance_hours
            ),
            // A subscription before the opt-out was the membership that it ended.
            (None, Some(ix)) if self.facts.profile(ix).subscribing_opts_in && self.is_before_an_opt_out(ix, wish) => {
                String::new()
            }
            (None, Some(ix)) => format!(
                " The opt-in{} does not count: it has no evidence of permission, or is tied to the person by address alone.",
                date(ix)
            ),
            (None, None) => String::new(),
        }
    }

    /// When a record changed from out to in, as earlier runs saw it.
    fn seen_opting_in(&self, ix: u32) -> Option<String> {
        let signal = self.world.consent.recalled.of.get(&ix)?;
        Some(format!(" between {} and {}", self.local_day(signal.last), self.local_day(signal.undone?)))
    }

    fn is_before_an_opt_out(&self, opt_in: u32, wish: &Wish) -> bool {
        let outs = || wish.outs.iter().filter_map(|ix| self.facts.out_at(*ix));
        self.facts.in_at(opt_in).is_some_and(|at| outs().any(|out| at.from < out.until))
    }

    /// A time as people read it: a bare date as it stands, an instant in the workspace's zone.
    pub fn when(&self, moment: Moment, ix: u32) -> String {
        match (moment.is_day(), self.world.config.timezone()) {
            (false, Ok(zone)) => moment.start().with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string(),
            _ => moment.written(self.facts.zone(ix)),
        }
    }

    /// The system of a record, for people.
    pub fn title(&self, ix: u32) -> &str {
        if self.facts.decision(ix).is_some() { "a reviewer's decision" } else { &self.facts.profile(ix).title }
    }
}

fn found_contacts(found: &Found) -> &[u32] {
    if let Detail::Contacts(persons) = &found.detail { persons } else { &[] }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
