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

/// What stands for the opt-in that wins in the words of [`parts`].
pub const THE_OPT_IN: &str = "{opt-in}";

/// The parts that conditions are made of, each with the words for where it does not hold: of the record for a
/// predicate over one record (a verb follows its name), of the pair for one over two. Empty words: then the rule is
/// not about such records.
pub fn parts() -> Vec<(Expr, &'static str)> {
    let failed_before = "the opt-in {opt-in} is later than the bounce or hold";
    vec![
        (is_role(Role::Crm), ""),
        (is_role(Role::Marketing), ""),
        (is_role(Role::Source), ""),
        (opt(Opt::Out), "is not opted out"),
        (opt(Opt::Out).not(), "is opted out"),
        (opt(Opt::Blank), "has a preference that is not blank"),
        (opt(Opt::Blank).not(), "has a blank preference, which means unknown"),
        (delivery(Delivery::Held), "is not held"),
        (delivery(Delivery::Held).not(), "is held, not active"),
        (delivery(Delivery::Removed).not(), "is removed, not active"),
        (delivery(Delivery::Bounced), "is not marked as bounced"),
        (delivery(Delivery::Ok), "does not show the address as good"),
        (bounced_or_held(), "is neither bounced nor held"),
        (col(of::MAIN), "is a business unit's record"),
        (col(member::SPEAKS), "says nothing for the person beside the other records"),
        (col(of::UNIT).is_not_null(), "is no business unit's record"),
        (col(of::UNIT).is_null(), "is a business unit's record"),
        (is_role(Role::Marketing).not(), ""),
        (still_so(), "is an event of a log, and an opt-in came later"),
        (col(of::BARS), ""),
        (col(of::BARS).not(), ""),
        (keeps_memberships(), ""),
        (keeps_memberships().not(), ""),
        (bounced_membership().not(), "is a bounced membership, which the platform mails no more"),
        (same_system(), ""),
        (same_list(), "the two are not of the same subscription list"),
        (stopped(), "is neither unsubscribed, held nor bounced"),
        (opted_back_in(), "no explicit opt-in wins"),
        (not_opted_back_in(), "the opt-in {opt-in} wins"),
        (same_address(), "the two addresses differ"),
        (two_systems(), "both records are of one system"),
        (same_record(), "the two keys differ"),
        (has_a_contact(), "the person is no CRM contact"),
        (opted_in_after_a_failed().not(), failed_before),
        (opted_in_after_b_failed().not(), failed_before),
        (
            unsubscribed_or_failed_before_the_opt_in(),
            "the other is not unsubscribed, and no opt-in is later than its bounce or hold",
        ),
        (one_out_one_mailed(), "not one of the two is opted out while the other is mailed"),
        (whatever(), ""),
    ]
}

fn opt(opt: Opt) -> Expr {
    col(of::OPT).eq(word(opt.word(), Opt::dtype()))
}

fn delivery(delivery: Delivery) -> Expr {
    col(of::DELIVERY).eq(word(delivery.word(), Delivery::dtype()))
}

/// Mailed: neither opted out, held nor removed; the subscriber's own record, not a unit's.
fn active() -> Expr {
    opt_in().and(delivery(Delivery::Held).not()).and(delivery(Delivery::Removed).not()).and(col(of::MAIN))
}

fn opt_in() -> Expr {
    opt(Opt::Out).not().and(opt(Opt::Blank).not())
}

/// Opted out in the CRM.
pub fn opted_out_in_crm() -> Expr {
    is_role(Role::Crm).and(opt(Opt::Out)).and(col(member::SPEAKS))
}

/// Not opted out in the CRM.
pub fn active_in_crm() -> Expr {
    is_role(Role::Crm).and(active())
}

/// Opted out in the source system, by its box or by a code.
pub fn opted_out_in_source() -> Expr {
    is_role(Role::Source).and(opt(Opt::Out)).and(col(member::SPEAKS))
}

/// Not opted out in the source system.
pub fn active_in_source() -> Expr {
    is_role(Role::Source).and(active())
}

/// Unsubscribed on the platform: as a whole, from every list, or in a business unit whose unsubscribes speak for the person.
pub fn unsubscribed_in_marketing() -> Expr {
    is_role(Role::Marketing).and(opt(Opt::Out)).and(col(member::SPEAKS))
}

/// What the platform still mails: active or bounced, not held. Platforms that keep memberships mail no bounced one.
pub fn active_in_marketing() -> Expr {
    is_role(Role::Marketing).and(active()).and(bounced_membership().not())
}

fn bounced_membership() -> Expr {
    keeps_memberships().and(delivery(Delivery::Bounced))
}

/// Of a platform that keeps a state for each list.
pub fn keeps_memberships() -> Expr {
    col(member::LISTED)
}

/// As [`active_in_marketing`], on a platform that has one state a subscriber.
pub fn active_subscriber() -> Expr {
    active_in_marketing().and(keeps_memberships().not())
}

/// As [`active_in_marketing`], on a platform that keeps a state for each list.
pub fn active_membership() -> Expr {
    active_in_marketing().and(keeps_memberships())
}

/// As [`unsubscribed_in_marketing`], on a platform that has one state a subscriber.
pub fn unsubscribed_subscriber() -> Expr {
    unsubscribed_in_marketing().and(keeps_memberships().not())
}

/// Unsubscribed from every list of a platform that keeps a state for each.
pub fn unsubscribed_from_every_list() -> Expr {
    unsubscribed_in_marketing().and(keeps_memberships())
}

/// Unsubscribed from one list, and not from every other.
pub fn unsubscribed_from_a_list() -> Expr {
    is_role(Role::Marketing).and(opt(Opt::Out)).and(keeps_memberships()).and(col(member::SPEAKS).not())
}

/// The person's decision is not opted out.
pub fn not_decided_out() -> Expr {
    col(decided::OUT).fill_null(lit(false)).not()
}

/// A blank that means unknown.
pub fn unknown() -> Expr {
    opt(Opt::Blank).and(delivery(Delivery::Removed).not()).and(col(of::MAIN))
}

/// A contact or a subscription preference that allows mail, beside which an unsubscribe record may stand.
pub fn allowed() -> Expr {
    is_role(Role::Marketing).not().and(opt_in()).and(col(of::BARS).not()).and(col(of::UNIT).is_null())
}

/// Both records are of one system.
pub fn same_system() -> Expr {
    a(of::SYSTEM).eq(b(of::SYSTEM))
}

/// Both records are of one subscription list, or neither is of any.
pub fn same_list() -> Expr {
    a(of::LIST).eq_missing(b(of::LIST))
}

/// An unsubscribe record: it bars its address.
pub fn unsubscribe_record() -> Expr {
    col(of::BARS)
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
    is_role(Role::Marketing).and(opt_in()).and(delivery(Delivery::Ok)).and(col(of::MAIN))
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

/// Bounced or held on the platform.
pub fn bounced_or_held_in_marketing() -> Expr {
    is_role(Role::Marketing).and(bounced_or_held()).and(col(of::MAIN))
}

fn bounced_or_held() -> Expr {
    delivery(Delivery::Bounced).or(delivery(Delivery::Held))
}

/// A record of a business unit.
pub fn in_a_unit() -> Expr {
    is_role(Role::Marketing).and(col(of::UNIT).is_not_null()).and(keeps_memberships().not()).and(still_so())
}

/// No event of a log that an opt-in of the person has overtaken.
fn still_so() -> Expr {
    col(of::EVENT).and(col(decided::OUT).not().fill_null(lit(false))).not()
}

/// The subscriber's own record on the platform.
pub fn at_the_enterprise() -> Expr {
    is_role(Role::Marketing).and(col(of::UNIT).is_null()).and(keeps_memberships().not())
}

/// Unsubscribed, held or bounced on the platform, in a unit or as a whole.
pub fn stopped_in_marketing() -> Expr {
    is_role(Role::Marketing).and(stopped())
}

fn stopped() -> Expr {
    let failed = delivery(Delivery::Held).or(delivery(Delivery::Bounced)).and(col(of::MAIN));
    opt(Opt::Out).and(col(member::SPEAKS)).or(failed)
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

/// The records are of two systems.
pub fn two_systems() -> Expr {
    a(of::SYSTEM).neq(b(of::SYSTEM))
}

/// Both records have the same key.
pub fn same_record() -> Expr {
    a(of::RECORD).eq(b(of::RECORD))
}

/// The other record is unsubscribed, or the opt-in that wins is later than its bounce or hold.
pub fn unsubscribed_or_failed_before_the_opt_in() -> Expr {
    b(of::OPT).eq(word(Opt::Out.word(), Opt::dtype())).fill_null(lit(false)).or(opted_in_after_b_failed())
}

/// One record is opted out and the other is mailed.
pub fn one_out_one_mailed() -> Expr {
    let is = |side: fn(&str) -> Expr, opt: Opt| side(of::OPT).eq(word(opt.word(), Opt::dtype()));
    let mailed = |side: fn(&str) -> Expr| {
        let stopped =
            [Delivery::Held, Delivery::Removed].map(|delivery| side(of::DELIVERY).eq(word(delivery.word(), Delivery::dtype())));
        let [held, removed] = stopped;
        is(side, Opt::In).and(held.or(removed).not())
    };
    is(a, Opt::Out).and(mailed(b)).or(mailed(a).and(is(b, Opt::Out))).fill_null(lit(false))
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
