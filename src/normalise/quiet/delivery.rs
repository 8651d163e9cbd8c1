//! Whether the systems agree on an address that does not work: what their records say of it, as bits beside those of
//! [`super::contacts`].
//!
//! The rules compare two records that speak of the same address. So it matters whether a record speaks of the first
//! address of its contact, which the CRM's own bounce fields speak of. Records with other addresses are taken to share one.

use crate::columns::{Delivery, Opt, Role};
use crate::normalise::packed::Plain;

/// A platform bounced or holds an address.
const FAILED: u32 = 1 << 4;
/// It is the first address of the contact.
const FAILED_FIRST: u32 = 1 << 5;
/// It is another address.
const FAILED_OTHER: u32 = 1 << 6;
/// A platform mails the first address of the contact, and it arrives.
const WELL_FIRST: u32 = 1 << 7;
/// The source has the first address of the contact as good.
const GOOD_FIRST: u32 = 1 << 8;
/// The source has another address as good.
const GOOD_OTHER: u32 = 1 << 9;

/// What a record says, other than of the CRM. `is_first`: it speaks of the first address of its contact.
pub(super) fn of(plain: &Plain<'_>, role: Role, is_first: bool) -> u32 {
    let is_other = plain.email.is_some() && !is_first;
    match (role, plain.manner.delivery) {
        (Role::Marketing, Delivery::Bounced | Delivery::Held) if is_first => FAILED | FAILED_FIRST,
        (Role::Marketing, Delivery::Bounced | Delivery::Held) if is_other => FAILED | FAILED_OTHER,
        (Role::Marketing, Delivery::Bounced | Delivery::Held) => FAILED,
        (Role::Marketing, Delivery::Ok) if is_first && plain.manner.opt == Opt::In => WELL_FIRST,
        (Role::Source, Delivery::Ok) if is_first => GOOD_FIRST,
        (Role::Source, Delivery::Ok) if is_other => GOOD_OTHER,
        _ => 0,
    }
}

/// Whether a platform bounced or holds any address.
pub(super) fn has_failed(marks: u32) -> bool {
    marks & FAILED != 0
}

/// Whether no two systems say different things of one address. `in_crm` is what the CRM says of its first one.
pub(super) fn agrees(in_crm: Delivery, marks: u32) -> bool {
    let said = |mark: u32| marks & mark != 0;
    let not_flagged = in_crm == Delivery::Ok && said(FAILED_FIRST);
    let flagged_and_well = in_crm == Delivery::Bounced && said(WELL_FIRST);
    let good_in_source = said(FAILED_FIRST) && said(GOOD_FIRST) || said(FAILED_OTHER) && said(GOOD_OTHER);
    !not_flagged && !flagged_and_well && !good_in_source
}
