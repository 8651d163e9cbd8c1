//! What the lists of one contact say together: one box is opted out when every list is, or when one of the opt-outs is
//! of all lists. Then one record speaks for the contact; an opt-out of one list among others speaks for nobody.

use foldhash::HashMap;

use crate::columns::{Delivery, Opt};
use crate::normalise::System;
use crate::normalise::fold::Part;
use crate::normalise::records::Record;
use crate::texts::Text;

impl Part {
    /// Settles which opt-outs speak for their contact, and stops the lists of those who get no mail from any.
    pub(super) fn settle_memberships(&mut self, system: &System<'_>) {
        let mut contacts: HashMap<Text, Vec<usize>> = HashMap::default();
        for (at, record) in self.records.iter().enumerate().filter(|(_, record)| record.opt != Opt::Unreadable) {
            if let Some(key) = record.record {
                contacts.entry(key).or_default().push(at);
            }
        }
        for (key, rows) in contacts {
            let outs: Vec<usize> = rows.iter().copied().filter(|at| self.records[*at].opt == Opt::Out).collect();
            let stopped = rows.iter().any(|at| self.records[*at].stops_every_list());
            if stopped {
                for at in &rows {
                    let record = &mut self.records[*at];
                    if record.is_live() {
                        record.delivery = Delivery::Removed;
                    }
                }
            }
            let of_all = outs.iter().any(|at| self.records[*at].is_of_all());
            let is_known = !system.partial && !system.on_missed_lists.contains(&(system.position, key));
            let every = is_known && !rows.iter().any(|at| self.records[*at].is_live());
            let speaker = outs.iter().copied().filter(|_| of_all || every).min_by_key(|at| {
                let record = &self.records[*at];
                let list = record.unit.map(|list| system.texts.get(list));
                (!record.is_of_all(), record.unit.is_some(), list, record.kind)
            });
            for at in outs.into_iter().filter(|at| Some(*at) != speaker) {
                self.records[at].quiet = true;
                if let Some(speaker) = speaker {
                    let other = self.records[at].clone();
                    self.records[speaker].speak_for(&other);
                }
            }
        }
    }
}

impl Record {
    /// Mailed: on a list, active there, and not bounced.
    fn is_live(&self) -> bool {
        self.opt == Opt::In && self.delivery == Delivery::Ok
    }

    /// Whether its opt-out is of all lists: it names none, or is a complaint, a suppression or a bounce for good.
    fn is_of_all(&self) -> bool {
        self.opt == Opt::Out && (self.of_all || self.unit.is_none())
    }

    /// Whether the platform mails the address from no list because of it.
    fn stops_every_list(&self) -> bool {
        let complained = self.opt == Opt::Out && self.of_all && self.delivery != Delivery::Bounced;
        complained || (self.unit.is_none() && self.delivery == Delivery::Held)
    }

    /// Takes over the times of another opt-out: an opt-in must be later than all of them, the legal clock counts from the first.
    fn speak_for(&mut self, other: &Record) {
        let (own, also) = (self.said().out, other.said().out);
        let first = [self.said().first_out, other.said().first_out, own.map(|out| out.from), also.map(|out| out.from)];
        let first = first.into_iter().flatten().min();
        if own.is_some() || also.is_some() {
            let said = self.say();
            said.out = own.zip(also).map(|(own, also)| own.later(also));
            said.first_out = first;
        }
    }
}
