//! Each request with the type of its answer, and what Kafka answers without asking the shard.

use super::error::TxnError;
use super::request::*;
use super::{Settings, Shard, Text};
use crate::shard::Ask;

macro_rules! ask {
    ($request:ident, $answer:ident($reply:ty) { $($more:item)* }) => {
        impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$request(request)
            }
        }
        impl Ask<Shard> for $request {
            type Reply = $reply;
            fn key(&self) -> &Text {
                &self.transactional_id
            }
            fn reply(reply: Reply) -> Option<$reply> {
                match reply {
                    Reply::$answer(reply) => Some(reply),
                    _ => None,
                }
            }
            $($more)*
        }
    };
}

ask!(InitProducerId, Producer(ProducerReply) {
    fn refused_unseen(&self, settings: &Settings) -> Option<ProducerReply> {
        if self.transactional_id.is_empty() {
            return Some(ProducerReply::Refused(TxnError::InvalidRequest));
        }
        let allowed = 1..=settings.max_timeout_ms;
        let refused = ProducerReply::Refused(TxnError::InvalidTransactionTimeout);
        (!allowed.contains(&self.timeout_ms)).then_some(refused)
    }
});
ask!(AddPartitionsToTxn, AddPartitionsToTxn(AddPartitionsToTxnReply) {
    fn refused_unseen(&self, _: &Settings) -> Option<AddPartitionsToTxnReply> {
        self.transactional_id.is_empty().then(|| self.refused(TxnError::InvalidRequest))
    }
});
ask!(EndTxn, Producer(ProducerReply) {
    fn refused_unseen(&self, _: &Settings) -> Option<ProducerReply> {
        self.transactional_id.is_empty().then_some(ProducerReply::Refused(TxnError::InvalidRequest))
    }
});
ask!(DescribeTransaction, DescribeTransaction(DescribeTransactionReply) {
    fn refused_unseen(&self, _: &Settings) -> Option<DescribeTransactionReply> {
        self.transactional_id.is_empty().then_some(Err(TxnError::InvalidRequest))
    }
});

impl AddPartitionsToTxn {
    /// A refusal as a whole.
    pub(super) fn refused(&self, error: TxnError) -> AddPartitionsToTxnReply {
        let results = self.partitions.iter().map(|partition| (partition.clone(), Some(error))).collect();
        AddPartitionsToTxnReply { results }
    }
}
