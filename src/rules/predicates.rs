//! What a record can be, said so that a rule reads aloud.
//!
//! Predicates over one record use the columns of [`crate::classify::World::members`]; those over a pair
//! use the same columns with `a_` and `b_` in front.

use polars::prelude::{Expr, col, lit};

use crate::classify::member;
use crate::columns::{Delivery, Opt, Role};
use crate::consent::decided;
use crate::matching::{cols, is_role, word};
use crate::normalise::col as of;

fn opt(opt: Opt) -> Expr {
    col(of::OPT).eq(word(opt.word(), Opt::dtype()))
}

fn delivery(delivery: Delivery) -> Expr {
    col(of::DELIVERY).eq(word(delivery.word(), Delivery::dtype()))
}

/// Mailed: neither opted out, held nor removed; the subscriber's own record, not a unit's.
fn active() -> Expr {
    opt(Opt::In).and(delivery(Delivery::Held).or(delivery(Delivery::Removed)).not()).and(col(of::MAIN))
}

/// Opted out in the CRM.
pub fn opted_out_in_crm() -> Expr {
    is_role(Role::Crm).and(opt(Opt::Out))
}

/// Not opted out in the CRM.
pub fn active_in_crm() -> Expr {
    is_role(Role::Crm).and(active())
}

/// Opted out in the source system, by its box or by a code.
pub fn opted_out_in_source() -> Expr {
    is_role(Role::Source).and(opt(Opt::Out))
}

/// Not opted out in the source system.
pub fn active_in_source() -> Expr {
    is_role(Role::Source).and(active())
}

/// Unsubscribed on the platform, or in a business unit whose unsubscribes speak for the person.
pub fn unsubscribed_in_marketing() -> Expr {
    is_role(Role::Marketing).and(opt(Opt::Out)).and(col(member::SPEAKS))
}

/// What the platform still mails: active or bounced, not held.
pub fn active_in_marketing() -> Expr {
    is_role(Role::Marketing).and(active())
}

/// A blank that means unknown.
pub fn unknown() -> Expr {
    opt(Opt::Blank).and(delivery(Delivery::Removed).not()).and(col(of::MAIN))
}

/// Opted out in any system.
pub fn opted_out() -> Expr {
    opt(Opt::Out).and(col(member::SPEAKS))
}

/// Bounced on the platform, which goes on mailing it.
pub fn bounced_in_marketing() -> Expr {
    is_role(Role::Marketing).and(delivery(Delivery::Bounced)).and(col(of::MAIN))
}

/// Held by the platform.
pub fn held_in_marketing() -> Expr {
    is_role(Role::Marketing).and(delivery(Delivery::Held)).and(col(of::MAIN))
}

/// Active on the platform and nothing else.
pub fn well_in_marketing() -> Expr {
    is_role(Role::Marketing).and(opt(Opt::In)).and(delivery(Delivery::Ok)).and(col(of::MAIN))
}

/// Any bounce field of the CRM filled.
pub fn flagged_in_crm() -> Expr {
    is_role(Role::Crm).and(delivery(Delivery::Bounced))
}

/// The CRM's bounce fields are there and blank.
pub fn not_flagged_in_crm() -> Expr {
    is_role(Role::Crm).and(delivery(Delivery::Ok))
}

/// The source says Active, Valid or nothing against the address.
pub fn good_in_source() -> Expr {
    is_role(Role::Source).and(delivery(Delivery::Ok))
}

/// A record of a business unit.
pub fn in_a_unit() -> Expr {
    is_role(Role::Marketing).and(col(of::UNIT).is_not_null())
}

/// The subscriber's own record on the platform.
pub fn at_the_enterprise() -> Expr {
    is_role(Role::Marketing).and(col(of::UNIT).is_null())
}

/// Unsubscribed, held or bounced on the platform, in a unit or as a whole.
pub fn stopped_in_marketing() -> Expr {
    let failed = delivery(Delivery::Held).or(delivery(Delivery::Bounced)).and(col(of::MAIN));
    is_role(Role::Marketing).and(opt(Opt::Out).and(col(member::SPEAKS)).or(failed))
}

/// A column of the record that the rule's name says first.
pub fn a(column: &str) -> Expr {
    col(format!("a_{column}"))
}

/// A column of the other record.
pub fn b(column: &str) -> Expr {
    col(format!("b_{column}"))
}

/// No condition between the records.
pub fn whatever() -> Expr {
    lit(true)
}

/// An opt-in of the person wins.
pub fn opted_back_in() -> Expr {
    a(decided::OUT).not().fill_null(lit(false))
}

/// No opt-in of the person wins.
pub fn not_opted_back_in() -> Expr {
    opted_back_in().not()
}

/// Both records speak of the same address.
pub fn same_address() -> Expr {
    a(of::EMAILS[0]).eq(b(of::EMAILS[0]))
}

/// The person is a CRM contact.
pub fn has_a_contact() -> Expr {
    a(cols::IN_HUB)
}

/// The opt-in that wins is later than a known bounce or hold, by more than the tolerance; of two bare
/// dates a later day is enough. Midnights of two zones are less than twelve hours apart.
pub fn opted_in_after_failure(from: Expr, until: Expr) -> Expr {
    let both_days = a(decided::IN_FROM).neq(a(decided::IN_UNTIL)).and(from.neq(until.clone()));
    let later_day = (a(decided::IN_FROM) + lit(12 * 3_600_000_i64)).gt_eq(until.clone());
    let later = (a(decided::IN_FROM) - until).gt(a(member::TOLERANCE));
    opted_back_in().and(both_days.clone().and(later_day).or(both_days.not().and(later))).fill_null(lit(false))
}

/// As [`opted_in_after_failure`], the failed record being the first.
pub fn opted_in_after_a_failed() -> Expr {
    opted_in_after_failure(a(of::FAILED_FROM), a(of::FAILED_UNTIL))
}

/// As [`opted_in_after_failure`], the failed record being the second.
pub fn opted_in_after_b_failed() -> Expr {
    opted_in_after_failure(b(of::FAILED_FROM), b(of::FAILED_UNTIL))
}
