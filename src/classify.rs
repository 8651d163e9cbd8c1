//! Rules x persons to discrepancies: one [`Found`] is one rule, one person, one pair of records, and where
//! there is one, one category, list or unit.

use anyhow::Result;
use chrono::{DateTime, Utc};
use foldhash::HashMap;
use polars::prelude::{
    BooleanChunked, DataFrame, Expr, IntoColumn, IntoLazy, JoinArgs, JoinType, LazyFrame, NewChunkedArray, PolarsError,
    UniqueKeepStrategy, by_name, coalesce, col, lit, when,
};
use rayon::prelude::*;

use crate::columns::{Delivery, Opt};
use crate::config::{Config, UnitUnsubscribe};
use crate::consent::{Consent, decided};
use crate::decisions::Desk;
use crate::ingest::FileReport;
use crate::matching::{Matched, cols, is_of_office, word};
use crate::normalise::{Finding, Quiet, col as of};
use crate::rules::{Finder, RULES, Rule, once_a_contact, once_a_subject, position};
use crate::systems::Systems;
use crate::texts::{Text, Texts};

/// Columns of the members that no earlier stage has.
pub mod member {
    /// Whether the record's opt-out speaks for the person: not a unit's that stays in the unit, not that of one list,
    /// and not an unsubscribe record that only repeats what its contact says (bool).
    pub const SPEAKS: &str = "speaks";
    /// Whether its system keeps a state for each list (bool).
    pub const LISTED: &str = "listed";
    /// The list or unit that a discrepancy of the record is about: none where it speaks for all lists.
    pub const SUBJECT: &str = "about";
    /// Whether it belongs by address to more contacts than an opt-out may spread over (bool).
    pub const OFFICE: &str = "office";
    /// How far two clocks may be apart (milliseconds).
    pub const TOLERANCE: &str = "tolerance";
    /// Whether the person has any record that is not simply active and reached (bool).
    pub const NOTABLE: &str = "notable";
}

/// One discrepancy, by the numbers of what it is about.
#[derive(Clone, Debug)]
pub struct Found {
    /// Position of the rule in the catalogue.
    pub rule: usize,
    /// The person; none for rows and files that belong to nobody.
    pub person: Option<u32>,
    /// The record that the rule's name says first.
    pub a: Option<u32>,
    /// The other record.
    pub b: Option<u32>,
    /// The category, list, unit or field.
    pub subject: Option<Text>,
    /// The address that it is about, where that is not the person's first.
    pub email: Option<Text>,
    /// Whether it rests on an address of more contacts than an opt-out may spread over.
    pub office: bool,
    /// More for the sentence.
    pub detail: Detail,
}

/// What the sentence of a discrepancy needs beyond its records.
#[derive(Clone, Debug, Default)]
pub enum Detail {
    /// Nothing.
    #[default]
    None,
    /// A bad cell, by its position among the findings.
    Finding(usize),
    /// A stale file, by its position among the inputs.
    File(usize),
    /// All contacts of an address, by their numbers as persons, in the order of their ids.
    Contacts(Vec<u32>),
    /// The key that points elsewhere, and at whom.
    PointsAt {
        /// What the key is called.
        key: &'static str,
        /// The contacts that have it.
        persons: Vec<u32>,
    },
    /// The memberships of one contact, by the numbers of their records, in the order of their lists.
    Lists(Vec<u32>),
    /// Whether a category is on in the first record, and whether that one is right.
    Category {
        /// On in the first record, off in the second; else the other way round.
        on_in_a: bool,
    },
}

/// All that rules look at.
pub struct World<'a> {
    /// One row a record and person, without rejected rows, with the person's decision.
    pub members: DataFrame,
    /// The records.
    pub records: &'a DataFrame,
    /// Records and persons.
    pub matched: &'a Matched,
    /// What persons want.
    pub consent: &'a Consent,
    /// Bad cells.
    pub findings: &'a [Finding],
    /// The inputs.
    pub files: &'a [FileReport],
    /// The configuration.
    pub config: &'a Config,
    /// The profiles.
    pub systems: &'a Systems,
    /// The texts.
    pub texts: &'a Texts,
    /// The run's time.
    pub as_of: DateTime<Utc>,
    /// What people decided.
    pub desk: &'a Desk,
    /// Records of persons about whom there is nothing to find, beside `records`.
    pub quiet: &'a Quiet,
}

impl World<'_> {
    /// The CRM id of a person, as text: what persons are sorted by, for their numbers follow the rows.
    pub fn name(&self, person: u32) -> Option<&str> {
        self.matched.contact(person).map(|(_, id)| self.texts.get(id))
    }
}

const OF_MEMBERS: [&str; 20] = [
    of::IX,
    of::SYSTEM,
    of::ROLE,
    of::RECORD,
    of::SOURCE_ID,
    of::EMAILS[0],
    of::OPT,
    of::DELIVERY,
    of::FAILED_FROM,
    of::FAILED_UNTIL,
    of::CATEGORIES,
    of::CATEGORIES_ON,
    of::CATEGORIES_ODD,
    of::CHOSEN,
    of::UNIT,
    of::LIST,
    of::BARS,
    of::EVENT,
    of::MAIN,
    of::QUIET,
];

/// The records with their persons and decisions, as rules see them.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn members(
    records: &DataFrame,
    matched: &Matched,
    consent: &Consent,
    config: &Config,
    systems: &Systems,
) -> Result<DataFrame> {
    let unit_stays = config.policy.unit_unsubscribe == UnitUnsubscribe::Unit;
    let tolerance = i64::from(config.policy.clock_tolerance_hours) * 3_600_000;
    let keeping = systems.profiles().iter().enumerate().filter(|(_, profile)| profile.keeps_memberships());
    let listed = keeping.fold(lit(false), |listed, (at, _)| listed.or(col(of::SYSTEM).eq(lit(at as u32))));
    let in_unit = col(of::UNIT).is_not_null().and(listed.clone().not());
    let members = records
        .clone()
        .lazy()
        .select(OF_MEMBERS.map(col))
        .filter(col(of::OPT).neq(word(Opt::Unreadable.word(), Opt::dtype())))
        .join(matched.links.clone().lazy(), [col(of::IX)], [col(of::IX)], JoinArgs::new(JoinType::Inner))
        .join(consent.decisions.clone().lazy(), [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Left))
        .with_columns([
            if unit_stays { in_unit.not() } else { lit(true) }
                .and(col(of::LIST).is_null())
                .and(col(of::QUIET).not())
                .alias(member::SPEAKS),
            when(listed.clone().and(col(of::OPT).eq(word(Opt::Out.word(), Opt::dtype()))))
                .then(lit(polars::prelude::NULL))
                .otherwise(coalesce(&[col(of::UNIT), col(of::LIST)]))
                .alias(member::SUBJECT),
            listed.alias(member::LISTED),
            is_of_office(config.policy.max_shared).alias(member::OFFICE),
            lit(tolerance).alias(member::TOLERANCE),
        ])
        .collect()?;
    mark_notable(leave_it_to_the_contact(members)?)
}

/// An unsubscribe record has nothing to add where its contact in the same system is opted out itself. It is overtaken
/// where an opt-in of the person wins, and so is an event of a log.
fn leave_it_to_the_contact(members: DataFrame) -> Result<DataFrame> {
    let any = |name: &str| -> Result<bool> { Ok(members.column(name)?.bool()?.any()) };
    if !any(of::BARS)? && !any(of::EVENT)? {
        return Ok(members);
    }
    let whose = [col(cols::PERSON), col(of::SYSTEM)];
    let is_out = col(of::OPT).eq(word(Opt::Out.word(), Opt::dtype()));
    let said = members
        .clone()
        .lazy()
        .filter(col(of::MAIN).and(is_out))
        .select(whose.clone())
        .unique(None, UniqueKeepStrategy::Any)
        .with_column(lit(true).alias("said"));
    let overtaken = col(decided::OUT).not().fill_null(lit(false));
    let said_already = col(of::BARS).and(col("said").fill_null(lit(false)));
    let repeats = said_already.or(col(of::BARS).or(col(of::EVENT)).and(overtaken));
    Ok(members
        .lazy()
        .join(said, whose.clone(), whose, JoinArgs::new(JoinType::Left))
        .with_column(col(member::SPEAKS).and(repeats.not()).alias(member::SPEAKS))
        .drop(by_name(["said"], true, false))
        .collect()?)
}

/// Marks the rows of persons with any record that is not simply active: two records that are cannot disagree.
fn mark_notable(mut members: DataFrame) -> Result<DataFrame> {
    let (persons, opts, deliveries) = (
        members.column(cols::PERSON)?.u32()?.rechunk().into_owned(),
        members.column(of::OPT)?.to_physical_repr().u8()?.rechunk().into_owned(),
        members.column(of::DELIVERY)?.to_physical_repr().u8()?.rechunk().into_owned(),
    );
    let last = persons.iter().flatten().max().map_or(0, |last| last as usize + 1);
    let mut is_notable = vec![false; last];
    let simply = |opt: Option<u8>, delivery: Option<u8>| {
        let reached = [Delivery::Ok, Delivery::Unknown].iter().any(|known| delivery == Some(*known as u8));
        opt == Some(Opt::In as u8) && reached
    };
    for ((person, opt), delivery) in persons.iter().zip(opts.iter()).zip(deliveries.iter()) {
        if let Some(person) = person.filter(|_| !simply(opt, delivery)) {
            is_notable[person as usize] = true;
        }
    }
    let notable = persons.iter().map(|person| person.is_some_and(|person| is_notable[person as usize]));
    members.with_column(BooleanChunked::from_iter_values(member::NOTABLE.into(), notable).into_column())?;
    Ok(members)
}

/// Applies every rule of the catalogue.
///
/// # Errors
/// Only what Polars cannot do, which is a defect.
pub fn classify(world: &World<'_>) -> Result<Vec<Found>> {
    let noted = noted(world)?;
    let by_rule = RULES.par_iter().map(|rule| match &rule.finder {
        Finder::Pair { a, b, both } => pairs(world, rule, a(), b(), both()),
        Finder::Search(search) => search(world, rule),
        Finder::Noted => Ok(noted.iter().filter(|found| RULES[found.rule].code == rule.code).cloned().collect()),
    });
    let by_rule: Vec<Vec<Found>> = by_rule.collect::<Result<_>>()?;
    Ok(by_rule.into_iter().flatten().collect())
}

const OF_PAIRS: [&str; 15] = [
    of::IX,
    of::SYSTEM,
    of::RECORD,
    of::EMAILS[0],
    of::OPT,
    of::DELIVERY,
    of::FAILED_FROM,
    of::FAILED_UNTIL,
    member::SUBJECT,
    of::LIST,
    member::OFFICE,
    decided::OUT,
    decided::IN_FROM,
    decided::IN_UNTIL,
    member::TOLERANCE,
];

fn pairs(world: &World<'_>, rule: &'static Rule, a: Expr, b: Expr, both: Expr) -> Result<Vec<Found>> {
    let side = |predicate: Expr, prefix: &str| -> LazyFrame {
        let columns = OF_PAIRS.iter().chain([&cols::IN_HUB]).map(|name| col(*name).alias(format!("{prefix}{name}")));
        let members = world.members.clone().lazy().filter(col(member::NOTABLE).and(predicate));
        members.select([col(cols::PERSON)].into_iter().chain(columns).collect::<Vec<_>>())
    };
    let found = side(a, "a_")
        .join(side(b, "b_"), [col(cols::PERSON)], [col(cols::PERSON)], JoinArgs::new(JoinType::Inner))
        .filter(col("a_ix").neq(col("b_ix")).and(both))
        .select([
            col(cols::PERSON),
            col("a_ix").alias("a"),
            col("b_ix").alias("b"),
            coalesce(&[col("a_about"), col("b_about")]).alias("subject"),
            // What rules about delivery find is about the one address; others are about the person.
            when(lit(rule.group() == "BNC")).then(col("a_email")).otherwise(lit(polars::prelude::NULL)).alias("email"),
            col("a_office").or(col("b_office")).alias("office"),
        ])
        .collect()?;
    let found = rows(&found, rule)?;
    if rule.group() == "BNC" { once_a_contact(world, found) } else { once_a_subject(world, found) }
}

/// The rows of a frame with `person`, `a` and perhaps `b`, `subject`, `email`, `office`.
///
/// # Errors
/// A column of another type, which is a defect.
pub fn rows(frame: &DataFrame, rule: &'static Rule) -> Result<Vec<Found>> {
    let numbers = |name: &str| -> Result<Vec<Option<u32>>, PolarsError> {
        match frame.column(name) {
            Ok(column) => Ok(column.to_physical_repr().u32()?.iter().collect()),
            Err(_) => Ok(vec![None; frame.height()]),
        }
    };
    let texts = |name: &str| -> Result<Vec<Option<Text>>, PolarsError> {
        Ok(numbers(name)?.into_iter().map(|number| number.map(Text::from_number)).collect())
    };
    let office: Vec<bool> = match frame.column("office") {
        Ok(column) => column.bool()?.iter().map(|office| office == Some(true)).collect(),
        Err(_) => vec![false; frame.height()],
    };
    let (persons, first, second) = (numbers(cols::PERSON)?, numbers("a")?, numbers("b")?);
    let (subjects, emails) = (texts("subject")?, texts("email")?);
    let rule = position(rule.code);
    Ok((0..frame.height())
        .map(|at| Found {
            rule,
            person: persons[at],
            a: first[at],
            b: second[at],
            subject: subjects[at],
            email: emails[at],
            office: office[at],
            detail: Detail::None,
        })
        .collect())
}

/// One discrepancy a person and record, about the record's business unit where it has one.
///
/// # Errors
/// A column of another type, which is a defect.
pub fn rows_of(world: &World<'_>, rule: &'static Rule, records: &[(u32, u32)]) -> Result<Vec<Found>> {
    let units = world.records.column(of::UNIT)?.u32()?;
    let found = records.iter().map(|(person, ix)| Found {
        rule: position(rule.code),
        person: Some(*person),
        a: Some(*ix),
        b: None,
        subject: units.get(*ix as usize).map(Text::from_number),
        email: None,
        office: false,
        detail: Detail::None,
    });
    Ok(found.collect())
}

/// The bad cells, one a record and field, and the stale files.
fn noted(world: &World<'_>) -> Result<Vec<Found>> {
    let of_finding = RecordOfFinding::new(world)?;
    let emails = world.records.column(of::EMAILS[0])?.to_physical_repr();
    let emails = emails.u32()?;
    let mut seen: HashMap<_, usize> = HashMap::default();
    let mut found: Vec<Found> = Vec::new();
    let order = |at: usize| {
        let finding = &world.findings[at];
        let value = finding.value.map(|value| world.texts.get(value));
        (value, world.texts.get(finding.reason), finding.input, finding.row)
    };
    for (at, finding) in world.findings.iter().enumerate() {
        let a = of_finding.record(finding);
        let once =
            finding.record.map(Ok).or(finding.email.map(Err)).map(|key| (finding.code, finding.system, key, finding.field));
        // Of several bad cells of one record and field the first by its value is shown, whatever the order of rows.
        if let Some(known) = once.and_then(|once| seen.insert(once, found.len()).map(|known| (once, known))) {
            seen.insert(known.0, known.1);
            if let Detail::Finding(shown) = &mut found[known.1].detail
                && order(at) < order(*shown)
            {
                *shown = at;
            }
            continue;
        }
        found.push(Found {
            rule: position(finding.code),
            person: a.and_then(|ix| of_finding.persons.get(&ix).copied()),
            a,
            b: None,
            subject: Some(world.texts.intern(finding.field.name())),
            // A code has no address of its own; that of its constituent does.
            email: finding.email.or_else(|| emails.get(a? as usize).map(Text::from_number)),
            office: false,
            detail: Detail::Finding(at),
        });
    }
    for (at, file) in world.files.iter().enumerate().filter(|(_, file)| file.stale && file.is_used()) {
        found.push(Found {
            rule: position("DAT608"),
            person: None,
            a: None,
            b: None,
            subject: file.kind.as_deref().map(|kind| world.texts.intern(kind)),
            email: None,
            office: false,
            detail: Detail::File(at),
        });
    }
    Ok(found)
}

/// Which record a bad cell belongs to: its own row's, or the one that its row was folded into.
struct RecordOfFinding {
    by_row: HashMap<(u32, u32), u32>,
    by_key: HashMap<(u32, Text), u32>,
    persons: HashMap<u32, u32>,
}

impl RecordOfFinding {
    fn new(world: &World<'_>) -> Result<RecordOfFinding> {
        let wanted_rows: foldhash::HashSet<(u32, u32)> =
            world.findings.iter().map(|finding| (finding.input, finding.row)).collect();
        let wanted_keys: foldhash::HashSet<(u32, Text)> =
            world.findings.iter().filter_map(|finding| Some((finding.system as u32, finding.record?))).collect();
        let mut of_finding =
            RecordOfFinding { by_row: HashMap::default(), by_key: HashMap::default(), persons: HashMap::default() };
        if world.findings.is_empty() {
            return Ok(of_finding);
        }
        let column = |name: &str| -> Result<Vec<Option<u32>>> {
            Ok(world.records.column(name)?.to_physical_repr().u32()?.iter().collect())
        };
        let (inputs, file_rows, systems, keys) = (column(of::INPUT)?, column(of::ROW)?, column(of::SYSTEM)?, column(of::RECORD)?);
        let mut wanted = foldhash::HashSet::default();
        for ix in 0..world.records.height() {
            let place = (inputs[ix].unwrap_or_default(), file_rows[ix].unwrap_or_default());
            if wanted_rows.contains(&place) {
                of_finding.by_row.insert(place, ix as u32);
                wanted.insert(ix as u32);
            }
            let key = systems[ix].zip(keys[ix]).map(|(system, key)| (system, Text::from_number(key)));
            if let Some(key) = key.filter(|key| wanted_keys.contains(key)) {
                of_finding.by_key.entry(key).or_insert(ix as u32);
                wanted.insert(ix as u32);
            }
        }
        let links = &world.matched.links;
        let (ixs, persons) = (links.column(of::IX)?.u32()?.clone(), links.column(cols::PERSON)?.u32()?.clone());
        for (ix, person) in ixs.iter().flatten().zip(persons.iter().flatten()).filter(|(ix, _)| wanted.contains(ix)) {
            let known = of_finding.persons.entry(ix).or_insert(person);
            if world.name(person) < world.name(*known) {
                *known = person;
            }
        }
        Ok(of_finding)
    }

    fn record(&self, finding: &Finding) -> Option<u32> {
        let by_key = finding.record.and_then(|key| self.by_key.get(&(finding.system as u32, key)));
        by_key.or_else(|| self.by_row.get(&(finding.input, finding.row))).copied()
    }
}
