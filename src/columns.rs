//! The canonical column names and the few words that their cells may hold.
//!
//! Headers and status words of the systems end in [`crate::systems`]; every later stage knows only these.

use std::sync::LazyLock;

use polars::prelude::{DataType, FrozenCategories};
use serde::{Deserialize, Serialize};

/// Addresses that one record keeps; further columns are left unread.
pub const ADDRESSES: usize = 6;

/// A canonical field: what a column of an export means, whatever its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each name is its own documentation; `Field::meaning` says the rest")]
pub enum Field {
    RecordId,
    ContactId,
    SourceId,
    SubscriberKey,
    Email,
    Name,
    Status,
    OptOut,
    NoEmail,
    OptOutAt,
    OptInAt,
    OptInEvidence,
    BounceReason,
    BouncedAt,
    HeldAt,
    RemovedAt,
    Categories,
    Category,
    Code,
    CodeStart,
    CodeEnd,
    List,
    Unit,
    Tags,
    ModifiedAt,
    Reason,
    HardBounce,
}

impl Field {
    /// Every field, in the order of the documentation.
    pub const ALL: [Field; 27] = [
        Field::RecordId,
        Field::ContactId,
        Field::SourceId,
        Field::SubscriberKey,
        Field::Email,
        Field::Name,
        Field::Status,
        Field::OptOut,
        Field::NoEmail,
        Field::OptOutAt,
        Field::OptInAt,
        Field::OptInEvidence,
        Field::BounceReason,
        Field::BouncedAt,
        Field::HeldAt,
        Field::RemovedAt,
        Field::Categories,
        Field::Category,
        Field::Code,
        Field::CodeStart,
        Field::CodeEnd,
        Field::List,
        Field::Unit,
        Field::Tags,
        Field::ModifiedAt,
        Field::Reason,
        Field::HardBounce,
    ];

    /// The name as configuration, profiles and frames spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Field::RecordId => "record_id",
            Field::ContactId => "contact_id",
            Field::SourceId => "source_id",
            Field::SubscriberKey => "subscriber_key",
            Field::Email => "email",
            Field::Name => "name",
            Field::Status => "status",
            Field::OptOut => "opt_out",
            Field::NoEmail => "no_email",
            Field::OptOutAt => "opt_out_at",
            Field::OptInAt => "opt_in_at",
            Field::OptInEvidence => "opt_in_evidence",
            Field::BounceReason => "bounce_reason",
            Field::BouncedAt => "bounced_at",
            Field::HeldAt => "held_at",
            Field::RemovedAt => "removed_at",
            Field::Categories => "categories",
            Field::Category => "category",
            Field::Code => "code",
            Field::CodeStart => "code_start",
            Field::CodeEnd => "code_end",
            Field::List => "list",
            Field::Unit => "unit",
            Field::Tags => "tags",
            Field::ModifiedAt => "modified_at",
            Field::Reason => "reason",
            Field::HardBounce => "hard_bounce",
        }
    }

    /// The field with that name.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Defines a small closed vocabulary: a Rust enum, its words, and the Polars `Enum` type whose
/// physical value is the variant's position.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The word that frames, files and configuration use.
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// The value with that word.
            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.word() == word)
            }

            /// The Polars type of a column that holds this vocabulary.
            pub fn dtype() -> DataType {
                static DTYPE: LazyLock<DataType> = LazyLock::new(|| {
                    let words = FrozenCategories::new([$($word),+]).expect("the words are distinct");
                    DataType::from_frozen_categories(words)
                });
                DTYPE.clone()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

vocabulary! {
    /// What a system is for: the hub of contacts, what is really mailed, or the system of record.
    Role {
        /// Customer relationship management: the hub, one record a contact.
        Crm = "crm",
        /// The mailing platform.
        Marketing = "marketing",
        /// The system of record that feeds the CRM.
        Source = "source",
    }
}

vocabulary! {
    /// A record's e-mail preference.
    Opt {
        /// Not opted out. A default, never consent.
        In = "in",
        /// Opted out of all e-mail.
        Out = "out",
        /// The cell is blank and blank means unknown.
        Blank = "blank",
        /// The cell holds a word nobody knows; the row is rejected but keeps its person's opt-ins back.
        Unreadable = "unreadable",
    }
}

vocabulary! {
    /// Whether mail reaches a record's address. About delivery, never about consent.
    Delivery {
        /// Nothing known against the address.
        Ok = "ok",
        /// Mail bounced, or the CRM or the source says so.
        Bounced = "bounced",
        /// The platform stopped mailing the address.
        Held = "held",
        /// Not on the list: deleted or removed from the platform, or never confirmed. Neither active nor opted out.
        Removed = "removed",
        /// The export does not tell.
        Unknown = "unknown",
    }
}

vocabulary! {
    /// How a record was tied to its person.
    Method {
        /// The record is the CRM contact or, without one, the record that the others are matched to.
        Hub = "hub",
        /// Its contact id names the CRM contact.
        ContactId = "contact_id",
        /// Its source id is that of the CRM contact.
        SourceId = "source_id",
        /// Its address is that of exactly one contact.
        Email = "email",
        /// Its address is on several contacts.
        SharedEmail = "shared_email",
    }
}

vocabulary! {
    /// How bad a discrepancy is.
    Severity {
        /// Mail may go to a person who said no.
        Critical = "critical",
        /// Wrong within days.
        High = "high",
        /// Should be put right.
        Medium = "medium",
        /// Housekeeping.
        Low = "low",
        /// Good to know.
        Info = "info",
    }
}

vocabulary! {
    /// What became of a discrepancy.
    Outcome {
        /// A correction file puts it right.
        Correct = "correct",
        /// A person must decide.
        Review = "review",
        /// A correction exists but was kept back.
        Held = "held",
        /// On the exceptions list.
        Excepted = "excepted",
        /// Shown, nothing to do.
        Note = "note",
    }
}

vocabulary! {
    /// What a correction changes.
    Purpose {
        /// Opt the record out of all e-mail.
        OptOut = "opt_out",
        /// Opt the record back in.
        OptIn = "opt_in",
        /// Change its categories.
        Categories = "categories",
        /// Flag its address as bounced.
        Bounced = "bounced",
        /// Add an unsubscribe record for its address.
        Unsubscribe = "unsubscribe",
    }
}

vocabulary! {
    /// A discrepancy against earlier runs.
    Standing {
        /// Not seen before.
        New = "new",
        /// Seen before, and still there.
        Persisting = "persisting",
        /// Had gone and has come back.
        Reopened = "reopened",
        /// Was there before and is not there any more.
        Resolved = "resolved",
        /// What it rests on was not exported, so nobody knows.
        NotCompared = "not_compared",
    }
}

vocabulary! {
    /// What became of a correction of an earlier run.
    Fate {
        /// The record is as it was to be.
        Landed = "landed",
        /// The record is as before, and the correction is still wanted.
        NotLanded = "not_landed",
        /// The record is gone, says something else, or the correction is not wanted any more.
        Overtaken = "overtaken",
        /// The system was not exported since, so nobody knows.
        Unknown = "unknown",
    }
}
