//! What people decided about discrepancies: one [`Ruling`] is one reviewer's decision, one [`Exception`] one line of the list.
//!
//! A decision is taken over only if what it was made about is still as it was shown; from then on it stands: an opt-out
//! and an opt-in as signals with a time, "leave" until the state changes. An exception holds until its day. Neither is
//! a way around consent: an opt-in by decision has to beat the opt-outs like any other. Invariant: every filled row
//! ends in [`Desk::lines`] with what became of it.

mod exceptions;
mod people;
mod rows;
mod stored;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use foldhash::{HashMap, HashSet};
use polars::prelude::DataFrame;

use crate::config::Config;
use crate::consent::Ruled;
use crate::ingest::{Paper, PaperFile, Papers};
use crate::matching::Matched;
use crate::normalise::{Said, spellings};
use crate::systems::Systems;
use crate::texts::Texts;
use crate::times::{Moment, Zone};
pub use exceptions::{Exception, State};
pub use people::{Identity, People};
pub(crate) use rows::run_name;
pub use rows::{Key, header};
pub use stored::{Standing, frame, recall};

/// What can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The person gets no more e-mail.
    OptOut,
    /// The person gave permission again.
    OptIn,
    /// It is left as it is until its state changes.
    Leave,
}

impl What {
    /// All of them, in the order of the drop-down list.
    pub const ALL: [What; 3] = [What::OptOut, What::OptIn, What::Leave];

    /// The word that reviewers choose.
    pub fn word(self) -> &'static str {
        match self {
            What::OptOut => "opt out",
            What::OptIn => "opt back in",
            What::Leave => "leave",
        }
    }

    /// The decision with that word, however it is spaced and written.
    pub fn from_word(word: &str) -> Option<What> {
        let folded = |word: &str| word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect::<String>();
        What::ALL.into_iter().find(|what| folded(what.word()) == folded(word))
    }
}

/// One decision that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What was decided.
    pub what: What,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The evidence of the permission, for an opt-in.
    pub evidence: String,
    /// The day of the permission.
    pub permitted_on: Option<NaiveDate>,
    /// The time of the run that took it over: when an opt-out by decision was made.
    pub decided_at: DateTime<Utc>,
    /// That run.
    pub applied_in: String,
    /// What it was decided about, and which run showed it.
    pub key: Key,
    /// Where it stands: file below `decisions/`, sheet, row.
    pub place: (String, String, u32),
}

impl Ruling {
    /// When it opts out.
    pub fn out(&self) -> Option<Moment> {
        (self.what == What::OptOut).then(|| Moment::instant(self.decided_at))
    }

    /// What makes it the same decision as another one: a permission of another day is another permission.
    fn answer(&self) -> (Key, What, Option<NaiveDate>) {
        (self.key.clone(), self.what, self.permitted_on.filter(|_| self.what == What::OptIn))
    }

    /// When it opts in: the day of the permission where people are, else the run.
    pub fn opted_in(&self, zone: Zone) -> Option<Moment> {
        let at = || self.permitted_on.map_or(Moment::instant(self.decided_at), |day| Moment::day(day, zone));
        (self.what == What::OptIn).then(at)
    }
}

/// What became of one filled row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they are the columns of decisions.csv")]
pub struct Line {
    pub file: String,
    pub sheet: String,
    pub row: u32,
    pub column: String,
    pub decision: String,
    pub name: String,
    pub reason: String,
    pub who: String,
    pub rule: String,
    pub run: String,
    /// `applied`, `known` (an earlier run has applied it), `not used`, and for exceptions `holds` or `expired`.
    pub result: &'static str,
    pub why: String,
}

impl Line {
    /// Whether a person must look at it.
    pub fn is_refused(&self) -> bool {
        self.result == REFUSED
    }
}

pub(crate) const REFUSED: &str = "not used";

/// All that people decided, as this run takes it.
#[derive(Debug, Default)]
pub struct Desk {
    /// The decisions that stand, the earliest first.
    pub rulings: Vec<Ruling>,
    /// The persons of each.
    pub persons: Vec<Vec<u32>>,
    /// Of the decisions to leave something: those whose state has changed, which stand no more.
    pub lapsed: Vec<Ruling>,
    /// The list of exceptions.
    pub exceptions: Vec<Exception>,
    /// What became of every filled row.
    pub lines: Vec<Line>,
    /// The files.
    pub files: Vec<PaperFile>,
    /// Whether decisions of earlier runs are lost: then none of an opt-in counts, for a later opt-out may be among them.
    pub doubtful: bool,
    by_identity: HashMap<Identity, usize>,
    /// The runs that applied decisions, those included that stand no more.
    applied_in: HashMap<(Key, What, Option<NaiveDate>), String>,
}

/// What decisions are weighed against.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The records.
    pub records: &'a DataFrame,
    /// Records and persons.
    pub matched: &'a Matched,
    /// The configuration.
    pub config: &'a Config,
    /// The profiles.
    pub systems: &'a Systems,
    /// The texts.
    pub texts: &'a Texts,
    /// The run's time.
    pub as_of: DateTime<Utc>,
}

impl Desk {
    /// The persons of whom an exception that holds leaves what one rule finds.
    pub fn excepted(&self) -> HashSet<u32> {
        let holds = |exception: &&Exception| exception.is_of_one_rule() && matches!(exception.state, State::Holds(_));
        self.exceptions.iter().filter(holds).flat_map(|exception| exception.subjects()[0]).copied().collect()
    }

    /// Takes over what was decided: what stands from earlier runs, and the rows of this one's papers.
    ///
    /// # Errors
    /// Only what Polars cannot do, which is a defect.
    pub fn settle(papers: &Papers, standing: Standing, scene: Scene<'_>) -> Result<Desk> {
        let Standing { rulings: standing, doubtful } = standing;
        let mut desk = Desk { files: papers.files.clone(), doubtful, ..Desk::default() };
        let of = |paper: Paper| papers.rows.iter().filter(move |row| row.paper == paper);
        desk.exceptions = exceptions::read(of(Paper::Exceptions), scene, &mut desk.lines)?;
        let read = rows::read(of(Paper::Decisions), scene, &mut desk.lines);
        if standing.is_empty() && read.is_empty() {
            desk.lines.sort();
            return Ok(desk);
        }
        let identities =
            standing.iter().map(|ruling| &ruling.key.identity).chain(read.iter().map(|(ruling, _)| &ruling.key.identity));
        let people = People::new(identities, scene)?;
        for ruling in standing {
            let identity = &ruling.key.identity;
            if names_nobody(identity) || ruling.what == What::Leave && people.state(identity) != ruling.key.shown {
                desk.applied_in.insert(ruling.answer(), ruling.applied_in.clone());
                desk.lapsed.push(ruling);
            } else {
                desk.take(ruling, &people);
            }
        }
        for (ruling, mut line) in read {
            match desk.obstacle(&ruling, &people) {
                Some(Obstacle::Known(run)) => (line.result, line.why) = ("known", format!("the run {run} has applied it")),
                Some(Obstacle::Refused(why)) => (line.result, line.why) = (REFUSED, why),
                None => desk.take(ruling, &people),
            }
            desk.lines.push(line);
        }
        desk.lines.sort();
        Ok(desk)
    }

    /// The decisions about persons as signals, behind that many records; `zone` is where people are.
    pub fn ruled(&self, records: usize, zone: Zone) -> Vec<Ruled> {
        let each = self.rulings.iter().zip(&self.persons).enumerate();
        each.filter(|(_, (ruling, _))| !self.doubtful || ruling.what != What::OptIn)
            .flat_map(|(at, (ruling, persons))| {
                let ix = (records + at) as u32;
                let signal = move |person: &u32| Ruled {
                    ix,
                    person: *person,
                    out: ruling.out(),
                    opted_in: ruling.opted_in(zone).map(|at| (at, zone)),
                };
                persons.iter().map(signal)
            })
            .collect()
    }

    /// The same in words, one a decision.
    pub fn said(&self, zone: Zone) -> Vec<Said<'_>> {
        let one = |ruling: &'_ Ruling| -> (Option<Moment>, Option<Moment>) { (ruling.out(), ruling.opted_in(zone)) };
        self.rulings
            .iter()
            .map(|ruling| {
                let (out, opted_in) = one(ruling);
                Said { out, opted_in, evidence: &ruling.evidence, by: &ruling.by, reason: &ruling.reason }
            })
            .collect()
    }

    fn take(&mut self, ruling: Ruling, people: &People) {
        self.persons.push(people.decided(&ruling.key.identity, ruling.what).to_vec());
        self.by_identity.insert(ruling.key.identity.clone(), self.rulings.len());
        self.applied_in.insert(ruling.answer(), ruling.applied_in.clone());
        self.rulings.push(ruling);
    }

    /// The last decision about a discrepancy.
    pub fn about(&self, identity: &Identity) -> Option<&Ruling> {
        self.by_identity.get(identity).map(|at| &self.rulings[*at])
    }

    /// Whether anything was decided about discrepancies of a rule.
    pub fn has_ruled_on(&self, rule: &str) -> bool {
        self.rulings.iter().any(|ruling| ruling.key.identity[0] == rule)
    }

    fn obstacle(&self, ruling: &Ruling, people: &People) -> Option<Obstacle> {
        let key = &ruling.key;
        if let Some(run) = self.applied_in.get(&ruling.answer()) {
            return Some(Obstacle::Known(run.clone()));
        }
        let persons = people.persons(&key.identity);
        let refused = |why: String| Some(Obstacle::Refused(why));
        if names_nobody(&key.identity) {
            return refused("it is about a row or a file and not about a record: put it right in the export".to_owned());
        }
        if ruling.what != What::Leave && persons.is_empty() {
            return refused(
                "nobody in the exports is meant any more: look in the newest workbook, or change it by hand".to_owned(),
            );
        }
        if people.state(&key.identity) != key.shown {
            return refused(format!(
                "the records have changed since the run {} showed them: decide again in the newest workbook, or where it does not \
                 ask any more set it in the CRM by hand",
                key.run
            ));
        }
        if ruling.what == What::OptIn && persons.len() > 1 {
            return refused(
                "it is about several contacts, and a permission is one person's: opt that one in in the CRM, with its evidence"
                    .to_owned(),
            );
        }
        if ruling.what == What::OptIn && people.decided(&key.identity, What::OptIn).is_empty() {
            return refused(
                "only its address ties the record to that person, who may be somebody else: opt that one in in the CRM, with its \
                 evidence"
                    .to_owned(),
            );
        }
        None
    }

    /// The decisions that stand and are about nobody in the exports any more.
    pub fn unheard(&self) -> impl Iterator<Item = &Ruling> {
        let each = self.rulings.iter().zip(&self.persons);
        each.filter(|(ruling, persons)| ruling.what != What::Leave && persons.is_empty()).map(|(ruling, _)| ruling)
    }
}

/// Ids and addresses of whom papers and standing decisions are about, in every spelling that records may have.
pub fn named(papers: &Papers, standing: &[Ruling], systems: &Systems) -> Vec<String> {
    let of = |identity: &Identity| KEYS.map(|at| identity[at].clone());
    let keys = papers.rows.iter().filter_map(|row| Key::read(row.get(header::KEY)));
    let decided = keys.flat_map(|key| of(&key.identity)).chain(standing.iter().flat_map(|ruling| of(&ruling.key.identity)));
    let listed =
        papers.rows.iter().filter(|row| row.paper == Paper::Exceptions).flat_map(|row| spellings(row.get("who"), systems));
    decided.chain(listed).filter(|text| !text.is_empty()).collect()
}

/// Where an identity has the contact, the address and the two records.
const KEYS: [usize; 4] = [1, 2, 5, 7];

/// Whether a discrepancy names no contact, address or record: another row's would look the same.
pub fn names_nobody(identity: &Identity) -> bool {
    KEYS.iter().all(|at| identity[*at].is_empty())
}

enum Obstacle {
    /// An earlier run, or another row, has the same decision: the run.
    Known(String),
    /// A sentence.
    Refused(String),
}
