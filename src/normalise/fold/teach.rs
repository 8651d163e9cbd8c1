//! Records that learn from their subscriber or contact: of themselves they name it, and lack its other keys.

use foldhash::{HashMap, HashSet};

use super::Part;
use crate::columns::{ADDRESSES, Opt};
use crate::normalise::records::Record;
use crate::texts::{Text, Texts};

impl Part {
    /// A business unit's row names only the subscriber; its ids and addresses are those of the subscriber's own row.
    pub(super) fn teach_units(&mut self, texts: &Texts) {
        let wanted: HashSet<Text> =
            self.records.iter().filter(|record| record.unit.is_some()).filter_map(|record| record.record).collect();
        if wanted.is_empty() {
            return;
        }
        // A row that can be read knows better than one that is rejected.
        let (rejected, readable): (Vec<&Record>, Vec<&Record>) =
            self.records.iter().filter(|record| record.main).partition(|record| record.opt == Opt::Unreadable);
        let text = |id: Option<Text>| id.map(|id| texts.get(id));
        let mut subscribers: HashMap<Text, Record> = HashMap::default();
        for record in rejected.into_iter().chain(readable) {
            let Some(key) = record.record.filter(|key| wanted.contains(key)) else { continue };
            let known = subscribers.entry(key).or_insert_with(|| record.clone());
            // Of several memberships the one that names its contact is asked, whatever the order of rows.
            let order = |record: &Record| {
                (record.opt != Opt::Unreadable, record.unit.is_none(), text(record.contact_id), text(record.source_id))
            };
            if order(record) > order(known) {
                *known = record.clone();
            }
        }
        for record in self.records.iter_mut().filter(|record| record.unit.is_some()) {
            match record.record.and_then(|key| subscribers.get(&key)) {
                Some(subscriber) => {
                    record.contact_id = record.contact_id.or(subscriber.contact_id);
                    record.source_id = record.source_id.or(subscriber.source_id);
                    record.emails = subscriber.emails;
                }
                // Without a row of its own the subscriber is known by its units alone.
                None => record.main = true,
            }
        }
    }

    /// A preference that names its contact alone has that contact's addresses.
    pub(super) fn teach_preferences(&mut self) {
        let lacks = |record: &Record| record.list.is_some() && !record.main && record.emails[0].is_none();
        let wanted: HashSet<Text> =
            self.records.iter().filter(|record| lacks(record)).filter_map(|record| record.contact_id).collect();
        let contacts = self.records.iter().filter(|record| record.main);
        let known: HashMap<Text, [Option<Text>; ADDRESSES]> =
            contacts.filter_map(|record| Some((record.record.filter(|key| wanted.contains(key))?, record.emails))).collect();
        for record in self.records.iter_mut().filter(|record| lacks(record)) {
            if let Some(emails) = record.contact_id.and_then(|contact| known.get(&contact)) {
                record.emails = *emails;
            }
        }
    }

    /// Where another CRM is the hub, whose contacts an unsubscribe record cannot name, it is about whom the contact of its own
    /// system is about: that one's source id and addresses are its own too.
    pub(super) fn teach_links(&mut self) {
        let link = |record: &Record| record.contact_id.filter(|_| record.bars);
        let wanted: HashSet<Text> = self.records.iter().filter_map(link).collect();
        if wanted.is_empty() {
            return;
        }
        let contacts = self.records.iter().filter(|record| record.main);
        let known =
            |record: &Record| Some((record.record.filter(|key| wanted.contains(key))?, (record.source_id, record.emails)));
        let known: HashMap<Text, (Option<Text>, [Option<Text>; ADDRESSES])> = contacts.filter_map(known).collect();
        for record in self.records.iter_mut() {
            let Some((source_id, emails)) = link(record).and_then(|contact| known.get(&contact)) else { continue };
            record.source_id = record.source_id.or(*source_id);
            record.add_addresses(*emails);
        }
    }
}
