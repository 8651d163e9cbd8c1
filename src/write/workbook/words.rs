//! The words that people read for the words that files hold. A symbol goes with each colour.

use crate::columns::{Delivery, Method, Opt, Outcome, Purpose, Severity, Standing};

/// A severity with the symbol that tells it without its colour.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "■ Critical",
        Severity::High => "▲ High",
        Severity::Medium => "◆ Medium",
        Severity::Low => "○ Low",
        Severity::Info => "· Info",
    }
}

/// A severity where its colour has a legend.
pub fn severity_alone(severity: Severity) -> &'static str {
    self::severity(severity).split_once(' ').map_or("", |(_, word)| word)
}

/// What a severity means.
pub fn severity_meaning(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Mail may go to a person who said no. Today.",
        Severity::High => "Will be wrong within days. This week.",
        Severity::Medium => "Should be put right in the ordinary course of work.",
        Severity::Low => "Housekeeping: do it when you pass by.",
        Severity::Info => "Good to know, nothing is wrong by itself.",
    }
}

/// What happens to a discrepancy.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Correct => "Correction file",
        Outcome::Review => "Needs review",
        Outcome::Held => "Held back",
        Outcome::Excepted => "Exception",
        Outcome::Note => "Note only",
    }
}

/// What that means for the reader.
pub fn outcome_meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Correct => "A file under corrections/ puts it right as soon as it is loaded.",
        Outcome::Review => "The records do not tell who is right. A person must decide; nothing is changed until then.",
        Outcome::Held => {
            "A correction exists but was kept back, because the files would have changed unusually much. Look, then approve."
        }
        Outcome::Excepted => "Somebody put it on the list of exceptions: known, and left as it is.",
        Outcome::Note => "Shown for information. Nothing to do.",
    }
}

/// How a discrepancy stands against earlier runs.
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "New",
        Standing::Persisting => "Persisting",
        Standing::Reopened => "Reopened",
        Standing::Resolved => "Resolved since",
        Standing::NotCompared => "Not compared",
    }
}

/// What a correction is for.
pub fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::OptOut => "Opt out",
        Purpose::OptIn => "Opt back in",
        Purpose::Categories => "Categories",
        Purpose::Bounced => "Flag as bounced",
        Purpose::Unsubscribe => "Unsubscribe record",
    }
}

/// What a record says of a preference or of delivery; a list of categories stays as it is.
pub fn state(word: &str) -> &str {
    match (Opt::from_word(word), Delivery::from_word(word)) {
        (Some(Opt::In), _) => "Active",
        (Some(Opt::Out), _) => "Opted out",
        (Some(Opt::Blank), _) => "Nothing said",
        (_, Some(Delivery::Ok)) => "Good address",
        (_, Some(Delivery::Bounced)) => "Bounced",
        (_, Some(Delivery::Held)) => "Held",
        _ => word,
    }
}

/// How two records were tied together.
pub fn method(word: &str) -> &str {
    match Method::from_word(word) {
        Some(Method::Hub) => "CRM record",
        Some(Method::ContactId) => "contact id",
        Some(Method::SourceId) => "source id",
        Some(Method::Email) => "e-mail",
        Some(Method::SharedEmail) => "shared e-mail",
        None => word,
    }
}

/// `1 row`, `2 rows`, `12,000 rows`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// With a comma between the thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
