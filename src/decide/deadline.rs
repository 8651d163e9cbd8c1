//! The legal clock: an opt-out must be honoured within ten business days (16 CFR 316.4(a)).

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::classify::{Found, World};
use crate::config::Deadline;
use crate::normalise::Facts;
use crate::rules::RULES;

/// The last day to honour the opt-out behind a discrepancy, where its time is known: counted from the
/// earliest of the person's opt-outs.
pub(super) fn due(found: &Found, world: &World<'_>, facts: &Facts<'_>) -> Option<NaiveDate> {
    let wish = found.person.filter(|_| RULES[found.rule].clock).and_then(|person| world.consent.wishes.get(&person))?;
    let days = wish.outs.iter().filter_map(|ix| Some(facts.zone(*ix).day_of(facts.first_out_at(*ix)?)));
    let day = days.min()?;
    Some(after_business_days(day, &world.config.deadline))
}

fn after_business_days(from: NaiveDate, deadline: &Deadline) -> NaiveDate {
    let mut day = from;
    let mut left = deadline.business_days;
    while left > 0 {
        day = day + Days::new(1);
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        if !weekend && !deadline.holidays.contains(&day) {
            left -= 1;
        }
    }
    day
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_business_days_skip_weekends_and_holidays() {
        let thanksgiving = Deadline { business_days: 10, holidays: vec!["2026-11-26".parse().unwrap()] };
        // opted out | due
        for (from, due) in [("2026-11-02", "2026-11-16"), ("2026-11-07", "2026-11-20"), ("2026-11-20", "2026-12-07")] {
            let from: NaiveDate = from.parse().unwrap();
            assert_eq!(after_business_days(from, &thanksgiving).to_string(), due, "{from}");
        }
    }
}
