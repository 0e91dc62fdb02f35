//! Producer ids, handed out in blocks so that a broker asks rarely.

use super::request::ProducerIdBlock;
use super::{Controller, Draft, Refusal};
use crate::ids::NodeId;
use crate::metadata::record::MetadataRecord;

/// How many producer ids a block holds. A broker that restarts loses what is left of its block.
pub const PRODUCER_ID_BLOCK: i32 = 1000;

impl Controller {
    pub(super) fn allocate_producer_ids(
        &self,
        draft: &mut Draft,
        broker_id: NodeId,
        broker_epoch: i64,
    ) -> Result<ProducerIdBlock, Refusal> {
        self.broker_of_epoch(&draft.image, broker_id, broker_epoch)?;
        let first_producer_id = draft.image.next_producer_id();
        let next_producer_id =
            first_producer_id.checked_add(i64::from(PRODUCER_ID_BLOCK)).ok_or(Refusal::ProducerIdsExhausted)?;
        draft.push(MetadataRecord::ProducerIds { broker_id, broker_epoch, next_producer_id });
        Ok(ProducerIdBlock { first_producer_id, count: PRODUCER_ID_BLOCK })
    }
}
