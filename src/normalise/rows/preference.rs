//! What a row says of e-mail to its person.

use super::Reader;
use crate::columns::{Delivery, Field, Opt};
use crate::normalise::records::Record;
use crate::normalise::words::Words;
use crate::systems::{BlankMeans, Grain, State, Subscriptions};

impl Reader<'_> {
    pub(super) fn read_preference(&mut self, at: usize, record: &mut Record) {
        let field = if self.cells.has(Field::OptOut) { Field::OptOut } else { Field::Status };
        let cell = self.cells.get(field, at).map(str::to_owned);
        self.read_preference_of(field, cell.as_deref(), at, record);
        self.read_further(field, at, record, |cell| cell);
    }

    /// What the further columns for the preference say: whoever is opted out in one of them is. `part` is the part of a cell that
    /// speaks of the record.
    pub(super) fn read_further(&mut self, field: Field, at: usize, record: &mut Record, part: impl Fn(&str) -> &str) {
        if record.opt == Opt::Unreadable {
            return;
        }
        for (column, is_mute) in self.further.clone() {
            let Some(word) = self.cells.cell(column, at).map(|cell| part(cell).to_owned()) else { continue };
            match self.further_meaning(&word, is_mute) {
                None => {
                    let header = &self.table.columns[column].header;
                    let reason =
                        format!("`{header}`, a second column for it, has a word that is not known: the first one counts");
                    self.find_value("DAT604", field, &word, at, &reason);
                }
                Some(true) => {
                    record.opt = Opt::Out;
                    record.of_all |= !self.cells.has(Field::OptOut) && self.states().meaning(&word) == Some(State::Suppressed);
                    record.word = Some(self.words.number(&word, self.system.texts));
                    if let Some(out) = self.time(Field::OptOutAt, at) {
                        record.say().out = Some(out);
                    }
                }
                Some(false) => {}
            }
        }
    }

    /// Whether the further columns say nothing beside the first.
    pub(super) fn further_agree(&self, at: usize) -> bool {
        let mut words = self.further.iter().filter_map(|(column, is_mute)| Some((self.cells.cell(*column, at)?, *is_mute)));
        words.all(|(word, is_mute)| self.further_meaning(word, is_mute) == Some(false))
    }

    /// Whether a word of a further column opts out; none where it is not known.
    fn further_meaning(&self, word: &str, is_mute: bool) -> Option<bool> {
        if !self.cells.has(Field::OptOut) {
            return Some(matches!(self.states().meaning(word)?, State::OptedOut | State::Suppressed));
        }
        let is_own = self.system.own_words.iter().any(|own| own.eq_ignore_ascii_case(word));
        self.system.booleans.meaning(word).filter(|_| !is_mute || is_own)
    }

    /// What the words of the status mean.
    pub(super) fn states(&self) -> &Words<State> {
        self.own_states.as_ref().unwrap_or(&self.system.states)
    }

    pub(super) fn read_preference_of(&mut self, field: Field, cell: Option<&str>, at: usize, record: &mut Record) {
        record.word = cell.map(|cell| self.words.number(cell, self.system.texts));
        let blank = match (self.kind.grain, self.system.profile.subscriptions, self.system.profile.blank_opt_out) {
            // Not on the list, which is nobody's word: neither in nor opted out.
            (Grain::Preference, Subscriptions::OptIn, _) => Opt::Blank,
            (Grain::Preference, Subscriptions::OptOut, _) | (_, _, BlankMeans::Active) => Opt::In,
            (_, _, BlankMeans::Unknown) => Opt::Blank,
        };
        let states = self.own_states.as_ref().unwrap_or(&self.system.states);
        let known = match (cell, field) {
            (None, Field::Status) if self.kind.default_state.is_some() => {
                record.is(self.kind.default_state.expect("just seen"));
                String::new()
            }
            (None, _) => {
                record.opt = blank;
                String::new()
            }
            (Some(word), Field::OptOut) => match self.system.booleans.meaning(word).filter(|_| self.speaks(word)) {
                Some(out) => {
                    record.opt = if out { Opt::Out } else { Opt::In };
                    String::new()
                }
                None if self.mute => self.system.own_words.join(", "),
                None => self.system.booleans.known().to_owned(),
            },
            (Some(word), _) => match (states.meaning(word), self.kind.default_state) {
                (Some(state), _) => {
                    record.is(state);
                    String::new()
                }
                (None, Some(state)) => {
                    record.is(state);
                    let reason = format!("not a word that is known ({}): the row counts all the same", states.known());
                    self.find("DAT604", field, at, &reason);
                    String::new()
                }
                (None, None) => states.known().to_owned(),
            },
        };
        if !known.is_empty() {
            record.opt = Opt::Unreadable;
            let reason = format!("this is not a word of the system; known are {known}");
            self.find_value("DAT604", field, cell.unwrap_or_default(), at, &reason);
            self.reject(at, self.cells.header(field).to_owned(), cell.unwrap_or_default(), reason);
        } else {
            self.read_bar(at, record);
        }
        // The date of a membership is that of its present state.
        let is_membership = self.kind.grain == Grain::Membership;
        let out_at = if is_membership && record.opt != Opt::Out { None } else { self.time(Field::OptOutAt, at) };
        if let Some(out) = out_at.filter(|_| record.opt == Opt::Out) {
            record.say().out = Some(out);
        }
    }

    /// Whether a word under the opt-out's header says which way round it is meant.
    pub(super) fn speaks(&self, word: &str) -> bool {
        !self.mute || self.system.own_words.iter().any(|own| own.eq_ignore_ascii_case(word))
    }

    /// The box that bars every e-mail, beside the one for bulk e-mail.
    pub(super) fn read_bar(&mut self, at: usize, record: &mut Record) {
        let Some(cell) = self.cells.get(Field::NoEmail, at) else { return };
        match self.system.booleans.meaning(cell) {
            Some(false) => {}
            Some(true) => {
                record.opt = Opt::Out;
                record.say().no_email = Some(self.system.texts.intern(cell));
            }
            None => {
                record.opt = Opt::Unreadable;
                let reason = format!("this is not a word of the system; known are {}", self.system.booleans.known());
                self.find("DAT604", Field::NoEmail, at, &reason);
                self.reject(at, self.cells.header(Field::NoEmail).to_owned(), cell, reason);
            }
        }
    }
}

impl Record {
    /// Takes over what a status word means.
    fn is(&mut self, state: State) {
        (self.opt, self.delivery) = match state {
            State::Active => (Opt::In, Delivery::Ok),
            State::Bounced => (Opt::In, Delivery::Bounced),
            State::Held => (Opt::In, Delivery::Held),
            State::OptedOut | State::Suppressed => (Opt::Out, Delivery::Ok),
            State::Removed | State::Unconfirmed => (Opt::In, Delivery::Removed),
        };
        self.of_all = state == State::Suppressed;
    }
}
