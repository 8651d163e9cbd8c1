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
        if record.opt != Opt::Unreadable
            && let Some(word) = self.further_opt_out(at).map(str::to_owned)
        {
            record.opt = Opt::Out;
            record.word = Some(self.words.number(&word, self.system.texts));
            if let Some(out) = self.time(Field::OptOutAt, at) {
                record.say().out = Some(out);
            }
        }
    }

    /// The word of a further column for the preference that opts the row out, as a person is by any of them.
    pub(super) fn further_opt_out(&self, at: usize) -> Option<&str> {
        let words = self.further.iter().filter_map(|column| self.cells.cell(*column, at));
        words.into_iter().find(|word| match self.cells.has(Field::OptOut) {
            true => self.system.booleans.meaning(word) == Some(true),
            false => matches!(self.states().meaning(word), Some(State::OptedOut | State::Suppressed)),
        })
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
