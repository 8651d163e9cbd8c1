//! Unsubscribe records to persons: one row of links is one record and one person whom it bars.
//!
//! Such a record bars an address. It is tied to every person with that address, and besides to the contact that it
//! is linked to, whatever address that contact has by now; where another CRM is the hub, by that one's source id.

use anyhow::Result;
use polars::prelude::{DataFrame, DataType, IntoLazy, NULL, UnionArgs, UniqueKeepStrategy, by_name, col, concat, len, lit, when};

use crate::columns::Method;
use crate::matching::{cols, tie, tie_by_id, word};
use crate::normalise::col as of;
use crate::texts::Texts;

/// Links of unsubscribe records to the persons of a hub.
pub(super) fn tie_barred(barred: &DataFrame, hub: &DataFrame, texts: &Texts) -> Result<DataFrame> {
    if barred.height() == 0 {
        return tie(barred, hub, None, texts);
    }
    let linked = tie_by_id(barred, hub, (of::CONTACT_ID, of::RECORD), Method::ContactId)?;
    let by_source = tie_by_id(barred, hub, (of::SOURCE_ID, of::SOURCE_ID), Method::SourceId)?;
    let without_ids = barred.clone().lazy().with_column(lit(NULL).cast(DataType::UInt32).alias(of::SOURCE_ID)).collect()?;
    let addressed = tie(&without_ids, hub, None, texts)?;
    let all = concat([linked.lazy(), by_source.lazy(), addressed.lazy()], UnionArgs::default())?
        .unique_stable(Some(by_name([of::IX, cols::PERSON], true, false)), UniqueKeepStrategy::First)
        .with_column(len().over([col(of::IX)])?.cast(DataType::UInt32).alias("persons"));
    let shared = word(Method::SharedEmail.word(), Method::dtype());
    let email = word(Method::Email.word(), Method::dtype());
    let most = when(col("persons").gt(col(cols::BELONGS))).then(col("persons")).otherwise(col(cols::BELONGS));
    let method = when(col(cols::METHOD).eq(email).and(col("persons").gt(lit(1u32)))).then(shared).otherwise(col(cols::METHOD));
    Ok(all.select([col(of::IX), col(cols::PERSON), method.alias(cols::METHOD), most.alias(cols::BELONGS)]).collect()?)
}
