//! What a correct run finds about a person: the rules once more, in the plainest words, over one person at a time.
//!
//! Nothing is shared with the program's own rules. Each record becomes a [`Fact`], and each rule compares facts.

use super::person::{Box, Means, Membership, Person, State, Suppression};
use super::wanted::{Crm, Source, Wanted};
use crate::columns::Role;
use crate::generate::truth::Discrepancy;

/// Half of what an opt-in has to be later by, in days: the cases keep far from it on both sides.
const LATER: i64 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    In,
    Out,
    Blank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mail {
    Arrives,
    Bounces,
    Held,
    Removed,
    Unknown,
}

/// One record, as the rules see it.
#[derive(Clone, Debug)]
struct Fact {
    system: &'static str,
    role: Role,
    record: String,
    /// The list or unit.
    about: &'static str,
    says: Says,
    mail: Mail,
    /// The person's own record in its system.
    own: bool,
    /// An unsubscribe record.
    bars: bool,
    /// Of a platform that keeps a state for each list.
    listed: bool,
    /// An opt-out that is of this list alone.
    of_one_list: bool,
    /// Tied to the person by the address alone, so to everybody who has it.
    by_address: bool,
    /// When it was opted out, or failed.
    since: Option<i64>,
    categories: Option<Vec<&'static str>>,
    /// The values of the retired category, as the record writes them.
    retired: Option<&'static str>,
}

impl Fact {
    fn new(system: &'static str, role: Role, record: String) -> Fact {
        let (about, says, mail) = ("", Says::In, Mail::Unknown);
        let [own, bars, listed, of_one_list, by_address] = [true, false, false, false, false];
        Fact {
            system,
            role,
            record,
            about,
            says,
            mail,
            own,
            bars,
            listed,
            of_one_list,
            by_address,
            since: None,
            categories: None,
            retired: None,
        }
    }

    fn is(&self, role: Role) -> bool {
        self.role == role
    }

    /// Mailed, as far as this record goes.
    fn is_active(&self) -> bool {
        let stopped = matches!(self.mail, Mail::Held | Mail::Removed) || (self.listed && self.mail == Mail::Bounces);
        self.says == Says::In && self.own && !stopped
    }
}

/// Everybody that a discrepancy is about: a contact, or nobody in the CRM.
pub struct Judged<'a> {
    wanted: &'a Wanted,
    contact: String,
    email: String,
    facts: Vec<Fact>,
    /// Opted out (true), opted back in (false), or nobody said anything.
    decided: Option<bool>,
    opted_in: Option<i64>,
}

impl<'a> Judged<'a> {
    /// One person alone.
    pub fn of(person: &Person, wanted: &'a Wanted, keys: &dyn Keys) -> Judged<'a> {
        let facts = facts(person, wanted, keys);
        let contact = person.contact.as_ref().map(|_| keys.contact(person)).unwrap_or_default();
        let opted_in = person.contact.as_ref().and_then(|contact| contact.opted_in).filter(|(_, proof)| !proof.is_empty());
        let opted_in = opted_in.map(|(day, _)| day).filter(|_| !person.contact.as_ref().is_some_and(|own| own.out || own.barred));
        let stopped =
            person.constituents.iter().flat_map(|constituent| &constituent.codes).any(|code| code.means == Means::Nothing);
        let mut judged = Judged {
            wanted,
            contact,
            email: person.email.clone(),
            facts,
            decided: None,
            opted_in: opted_in.filter(|_| !stopped),
        };
        judged.decide();
        judged
    }

    /// Another contact with the same address, who has nothing of his own but the contact.
    pub fn twin(&self, twin: &Person, keys: &dyn Keys) -> Judged<'a> {
        let mut judged = Judged::of(twin, self.wanted, keys);
        judged.facts.extend(self.facts.iter().filter(|fact| fact.by_address).cloned());
        judged.decide();
        judged
    }

    /// Whether the person's own records opt out.
    pub fn is_out(&self) -> bool {
        self.decided == Some(true)
    }

    /// The opt-out of somebody with the same address.
    pub fn shares_an_opt_out(&mut self) {
        self.decided = Some(true);
    }

    /// The CRM's id.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    fn decide(&mut self) {
        let outs: Vec<Option<i64>> =
            self.facts.iter().filter(|fact| fact.says == Says::Out && !fact.of_one_list).map(|fact| fact.since).collect();
        let wins = self.opted_in.is_some_and(|day| outs.iter().all(|out| out.is_some_and(|out| day > out + LATER)));
        self.decided = if wins { Some(false) } else { (!outs.is_empty()).then_some(true) };
        if !wins {
            self.opted_in = None;
        }
    }

    /// Everything that is found.
    pub fn found(&self) -> Vec<Discrepancy> {
        let mut found = Vec::new();
        self.opt_outs(&mut found);
        self.deliveries(&mut found);
        self.categories(&mut found);
        self.matches(&mut found);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether an opt-out is what the record says for the person, beside the others.
    fn speaks(&self, fact: &Fact) -> bool {
        let repeats = fact.bars
            && (self.decided == Some(false)
                || self.facts.iter().any(|own| own.own && own.system == fact.system && own.says == Says::Out));
        fact.says == Says::Out && !fact.of_one_list && !repeats
    }

    fn row(&self, rule: &'static str, a: &Fact, b: Option<&Fact>, about: &'static str) -> Discrepancy {
        let named = |fact: &Fact| (fact.system, fact.record.clone());
        let other = b.map_or(("", String::new()), named);
        Discrepancy::new(rule, self.contact.clone(), self.email.clone(), about, named(a), other)
    }

    /// One row a pair of records, about the first list or unit that one of them names.
    fn pairs(&self, found: &mut Vec<Discrepancy>, rule: &'static str, a: impl Fn(&Fact) -> bool, b: impl Fn(&Fact) -> bool) {
        for one in self.facts.iter().filter(|fact| a(fact)) {
            for other in self.facts.iter().filter(|fact| b(fact) && !std::ptr::eq(one, *fact)) {
                let about = |fact: &Fact| if fact.listed && fact.says == Says::Out { "" } else { fact.about };
                let subject = if about(one).is_empty() { about(other) } else { about(one) };
                let of_lists = rule.starts_with("BNC") && (one.listed || other.listed);
                found.push(self.row(rule, one, Some(other), if of_lists { "" } else { subject }));
            }
        }
    }

    fn opt_outs(&self, found: &mut Vec<Discrepancy>) {
        let out = |role: Role| move |fact: &Fact| fact.is(role) && self.speaks(fact);
        let active = |role: Role| move |fact: &Fact| fact.is(role) && fact.is_active();
        let mailed = |listed: bool| move |fact: &Fact| fact.is(Role::Marketing) && fact.listed == listed && fact.is_active();
        let left = |listed: bool| move |fact: &Fact| fact.is(Role::Marketing) && fact.listed == listed && self.speaks(fact);
        self.pairs(found, "OPT101", out(Role::Crm), active(Role::Source));
        self.pairs(found, "OPT102", out(Role::Crm), mailed(false));
        self.pairs(found, "LST401", out(Role::Crm), mailed(true));
        if self.decided == Some(false) {
            let stopped = |fact: &Fact| {
                let failed = fact.own && matches!(fact.mail, Mail::Held | Mail::Bounces) && self.came_back_after(fact);
                fact.is(Role::Marketing) && (self.speaks(fact) || (failed && fact.says != Says::Out))
            };
            self.pairs(found, "OPT107", active(Role::Crm), out(Role::Source));
            self.pairs(found, "OPT108", active(Role::Crm), stopped);
        } else {
            self.pairs(found, "OPT103", out(Role::Source), active(Role::Crm));
            self.pairs(found, "OPT104", out(Role::Source), active(Role::Marketing));
            self.pairs(found, "OPT105", left(false), active(Role::Crm));
            self.pairs(found, "OPT106", out(Role::Marketing), active(Role::Source));
            self.pairs(found, "LST402", left(true), active(Role::Crm));
            for blank in self.facts.iter().filter(|fact| fact.says == Says::Blank && fact.own && fact.mail != Mail::Removed) {
                let elsewhere = |fact: &Fact| fact.system != blank.system && self.speaks(fact);
                self.pairs(found, "OPT109", |fact| std::ptr::eq(fact, blank), elsewhere);
            }
        }
        if !self.contact.is_empty() {
            let unit = |fact: &Fact| fact.is(Role::Marketing) && !fact.own && fact.says == Says::Out;
            self.pairs(found, "OPT110", unit, |fact| fact.is(Role::Marketing) && !fact.listed && fact.is_active());
        }
        let allowed = |fact: &Fact| fact.is(Role::Crm) && fact.says == Says::In && !fact.bars;
        for bar in self.facts.iter().filter(|fact| fact.bars) {
            self.pairs(found, "OPT111", |fact| allowed(fact) && fact.about == bar.about, |fact| std::ptr::eq(fact, bar));
        }
        let barred = |list: &str| self.facts.iter().any(|fact| fact.bars && (fact.about.is_empty() || fact.about == list));
        let keeps = self.wanted.crm == Crm::Dynamics;
        for fact in self.facts.iter().filter(|fact| keeps && fact.is(Role::Crm) && !fact.bars && fact.says == Says::Out) {
            if !barred(fact.about) {
                found.push(self.row("OPT112", fact, None, fact.about));
            }
        }
        self.mixed_lists(found);
    }

    fn mixed_lists(&self, found: &mut Vec<Discrepancy>) {
        for system in ["activecampaign", "campaign_monitor"] {
            let of_it = || self.facts.iter().filter(|fact| fact.system == system && fact.listed && !fact.about.is_empty());
            let active = of_it().find(|fact| fact.is_active());
            let left = of_it().find(|fact| fact.says == Says::Out && fact.of_one_list);
            if let (Some(active), Some(left), true) = (active, left, self.decided != Some(true)) {
                found.push(self.row("LST403", active, Some(left), ""));
            }
        }
    }

    /// Whether the opt-in that wins is later than a known bounce or hold.
    fn came_back_after(&self, failed: &Fact) -> bool {
        self.opted_in.zip(failed.since).is_some_and(|(day, since)| day > since + LATER)
    }

    fn deliveries(&self, found: &mut Vec<Discrepancy>) {
        let fails = |mail: Mail| {
            move |fact: &Fact| fact.is(Role::Marketing) && fact.own && fact.mail == mail && !self.came_back_after(fact)
        };
        let says = |role: Role, mail: Mail| move |fact: &Fact| fact.is(role) && fact.mail == mail;
        self.pairs(found, "BNC201", fails(Mail::Bounces), says(Role::Crm, Mail::Arrives));
        self.pairs(found, "BNC202", fails(Mail::Held), says(Role::Crm, Mail::Arrives));
        let well = |fact: &Fact| fact.is(Role::Marketing) && fact.own && fact.says == Says::In && fact.mail == Mail::Arrives;
        self.pairs(found, "BNC203", says(Role::Crm, Mail::Bounces), well);
        self.pairs(
            found,
            "BNC204",
            |fact| fails(Mail::Bounces)(fact) || fails(Mail::Held)(fact),
            says(Role::Source, Mail::Arrives),
        );
    }

    fn categories(&self, found: &mut Vec<Discrepancy>) {
        let keeping = || self.facts.iter().filter_map(|fact| Some((fact, fact.categories.as_ref()?)));
        for (fact, retired) in self.facts.iter().filter_map(|fact| Some((fact, fact.retired?))) {
            found.push(self.row("CAT303", fact, None, retired));
        }
        let retired = |fact: &Fact| fact.retired.map(|_| "Parents Bulletin");
        if self.is_out() {
            for (fact, on) in keeping() {
                found.extend(on.iter().copied().chain(retired(fact)).map(|name| self.row("CAT301", fact, None, name)));
            }
            return;
        }
        let contact = keeping().find(|(fact, _)| fact.is(Role::Crm));
        for (ours, on) in contact.into_iter() {
            for (theirs, also) in keeping().filter(|(fact, _)| fact.is(Role::Source)) {
                let differing =
                    on.iter().filter(|name| !also.contains(name)).chain(also.iter().filter(|name| !on.contains(name)));
                found.extend(differing.map(|name| self.row("CAT302", ours, Some(theirs), name)));
            }
        }
        let none = keeping().all(|(fact, on)| on.is_empty() && fact.retired.is_none()) && keeping().next().is_some();
        let own = self.facts.iter().find(|fact| fact.is(Role::Crm) && fact.own);
        if let Some(own) = own.filter(|_| none && !self.contact.is_empty()) {
            found.push(self.row("CAT304", own, None, ""));
        }
    }

    fn matches(&self, found: &mut Vec<Discrepancy>) {
        if self.contact.is_empty() {
            let others = self.facts.iter().filter(|fact| !fact.is(Role::Crm) && fact.own);
            return found.extend(others.map(|fact| self.row("IDN505", fact, None, "")));
        }
        let in_source = self.facts.iter().any(|fact| fact.is(Role::Source));
        let own = self.facts.iter().find(|fact| fact.is(Role::Crm) && fact.own);
        if let Some(own) = own.filter(|_| !in_source && !self.wanted.sources.is_empty()) {
            found.push(self.row("IDN506", own, None, ""));
        }
    }
}

/// How records are called.
pub trait Keys {
    /// The CRM's id of a person.
    fn contact(&self, person: &Person) -> String;
    /// A source's id of a person.
    fn constituent(&self, person: &Person, source: Source) -> String;
}

fn facts(person: &Person, wanted: &Wanted, keys: &dyn Keys) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(contact) = &person.contact {
        let says = if contact.out || contact.barred { Says::Out } else { Says::In };
        let mail = match (wanted.crm, contact.bounced) {
            (Crm::Dynamics, _) => Mail::Unknown,
            (Crm::Salesforce, true) => Mail::Bounces,
            (Crm::Salesforce, false) => Mail::Arrives,
        };
        let fact = Fact { says, mail, ..Fact::new(wanted.crm.name(), Role::Crm, keys.contact(person)) };
        let kept = (wanted.crm == Crm::Salesforce).then(|| split(&contact.categories));
        let (categories, retired) = kept.map_or((None, None), |(on, retired)| (Some(on), retired));
        facts.push(Fact { categories, retired, ..fact });
    }
    for bar in &person.barred {
        let fact = Fact::new("dynamics", Role::Crm, bar.id.clone());
        let (of_one_list, by_address) = (!bar.list.is_empty(), bar.email.eq_ignore_ascii_case(&person.email));
        let since = Some(bar.since);
        facts.push(Fact { says: Says::Out, own: false, bars: true, about: bar.list, of_one_list, by_address, since, ..fact });
    }
    for preference in &person.preferences {
        let says = if preference.choice == "Out" { Says::Out } else { Says::In };
        let fact = Fact::new("dynamics", Role::Crm, preference.id.clone());
        facts.push(Fact { says, own: false, about: preference.list, of_one_list: true, ..fact });
    }
    subscriber(person, keys, &mut facts);
    lists(person, &mut facts);
    for constituent in &person.constituents {
        let opting = |code: &&super::person::Code| {
            let over = code.end.is_some_and(|end| end < super::AS_OF);
            matches!(code.means, Means::NoEmail | Means::NoContact) && !over
        };
        let codes: Vec<_> = constituent.codes.iter().filter(opting).collect();
        let boxed = constituent.out == Box::Yes;
        let dates = codes.iter().map(|code| code.start).chain(boxed.then_some(constituent.out_on));
        // One that is not dated cannot be beaten.
        let since = dates.collect::<Option<Vec<i64>>>().and_then(|dates| dates.into_iter().max());
        let says = match constituent.out {
            _ if boxed || !codes.is_empty() => Says::Out,
            Box::Blank => Says::Blank,
            _ => Says::In,
        };
        let mail = match (constituent.bounced, &constituent.other_email) {
            (_, Some(_)) => Mail::Unknown,
            (true, None) => Mail::Bounces,
            (false, None) => Mail::Arrives,
        };
        let (on, retired) = split(&constituent.categories);
        let retired = retired.map(|name| constituent.source.category(name));
        let fact = Fact::new(constituent.source.name(), Role::Source, keys.constituent(person, constituent.source));
        facts.push(Fact { says, mail, since, categories: Some(on), retired, ..fact });
    }
    facts
}

/// Current categories, and the retired one.
fn split(names: &[&'static str]) -> (Vec<&'static str>, Option<&'static str>) {
    let retired = names.iter().copied().find(|name| *name == "Parents Bulletin");
    (names.iter().copied().filter(|name| Some(*name) != retired).collect(), retired)
}

fn subscriber(person: &Person, keys: &dyn Keys, facts: &mut Vec<Fact>) {
    let Some(subscriber) = &person.subscriber else { return };
    let key = if subscriber.by_address { person.email.clone() } else { keys.contact(person) };
    let (says, mail) = match subscriber.status.to_lowercase().as_str() {
        "unsubscribed" | "unsub" => (Says::Out, Mail::Arrives),
        "bounced" => (Says::In, Mail::Bounces),
        "held" | "undeliverable" => (Says::In, Mail::Held),
        "deleted" => (Says::In, Mail::Removed),
        "" => (Says::Blank, Mail::Arrives),
        _ => (Says::In, Mail::Arrives),
    };
    let by_address = subscriber.by_address;
    let fact = Fact::new("marketing_cloud", Role::Marketing, key);
    facts.push(Fact { says, mail, by_address, since: subscriber.since, ..fact.clone() });
    for unit in &subscriber.units {
        let since = Some(super::FIRST_DAY);
        facts.push(Fact { says: Says::Out, own: false, about: unit, by_address, since, ..fact.clone() });
    }
}

fn lists(person: &Person, facts: &mut Vec<Fact>) {
    let fact = |system| Fact { listed: true, ..Fact::new(system, Role::Marketing, person.email.clone()) };
    let (own, also) = (fact("activecampaign"), fact("campaign_monitor"));
    platform(&person.active_campaign, None, &Fact { by_address: !person.tagged, ..own }, facts);
    platform(&person.campaign_monitor, person.suppressed, &Fact { by_address: true, ..also }, facts);
}

/// The memberships of one contact of a platform, and what they say together.
fn platform(memberships: &[Membership], suppressed: Option<Suppression>, fact: &Fact, facts: &mut Vec<Fact>) {
    let of_lists = fact.system == "activecampaign";
    let stopped = suppressed.is_some() || memberships.iter().any(|one| one.state == State::Spam);
    let mut own: Vec<Fact> = memberships
        .iter()
        .map(|one| {
            let (says, mail) = match one.state {
                State::Active if stopped => (Says::In, Mail::Removed),
                State::Active => (Says::In, Mail::Arrives),
                State::Unconfirmed | State::Removed => (Says::In, Mail::Removed),
                State::Unsubscribed | State::Spam => (Says::Out, Mail::Arrives),
                State::Bounced if of_lists => (Says::Out, Mail::Bounces),
                State::Bounced | State::SoftBounced => (Says::In, Mail::Bounces),
                State::Blank => (Says::Blank, Mail::Arrives),
            };
            Fact { about: one.list, says, mail, since: one.since, ..fact.clone() }
        })
        .collect();
    own.extend(suppressed.map(|why| match why {
        Suppression::Spam => Fact { says: Says::Out, mail: Mail::Arrives, since: Some(super::FIRST_DAY), ..fact.clone() },
        Suppression::Bounced => Fact { mail: Mail::Held, since: Some(super::FIRST_DAY), ..fact.clone() },
    }));
    let of_all = suppressed == Some(Suppression::Spam)
        || memberships.iter().any(|one| {
            one.state == State::Spam
                || (one.state == State::Bounced && of_lists)
                || (one.state == State::Unsubscribed && one.list.is_empty())
        });
    let mailed = own.iter().any(|one| one.says == Says::In && one.mail == Mail::Arrives);
    if of_all || !mailed {
        // One opt-out stands for all of them, with the latest of their times.
        let dates: Option<Vec<i64>> = own.iter().filter(|one| one.says == Says::Out).map(|one| one.since).collect();
        let latest = dates.and_then(|dates| dates.into_iter().max());
        let mut first = true;
        for one in own.iter_mut().filter(|one| one.says == Says::Out) {
            if one.mail != Mail::Bounces {
                one.since = latest;
            }
            one.of_one_list = !std::mem::take(&mut first);
        }
    } else {
        own.iter_mut().filter(|one| one.says == Says::Out).for_each(|one| one.of_one_list = true);
    }
    facts.extend(own);
}
