//! A client's connection without a socket: frames go straight to the handlers, and answers get lost.

use super::life::Life;
use crate::api::reply::{ConnectionContext, Dispatch, Reply};
use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

/// One in so many calls meets with each kind of trouble on the network.
const TROUBLE_ODDS: u64 = 40;
/// How long an answer may take, in milliseconds, before the node counts as stuck: longer than any timeout of a request.
const STUCK_MS: u64 = 120_000;

/// The connection broke before the answer came: what was asked may have been done or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// What happens to a call on its way.
enum Weather {
    Fair,
    /// It never arrives.
    Unsent,
    /// The connection breaks while the node is at it.
    Interrupted(Duration),
    /// It is done, and nobody hears of it.
    Unheard,
}

/// One logical connection to the node.
pub struct Connection<'a> {
    life: &'a Life,
    /// Whether the network loses anything.
    reliable: bool,
    context: ConnectionContext,
    correlation_id: i32,
}

impl<'a> Connection<'a> {
    /// Connects.
    pub fn open(life: &'a Life) -> Self {
        Self { life, reliable: false, context: context(life.next_connection()), correlation_id: 0 }
    }

    /// Connects by a network that loses nothing.
    pub fn reliable(life: &'a Life) -> Self {
        Self { reliable: true, ..Self::open(life) }
    }

    /// Asks, and waits for the answer. After an error the next call goes by a new connection. Never returns once the
    /// node is dead.
    pub async fn call<Q: Request>(&mut self, version: i16, request: &Q) -> Result<Q::Response, Lost>
    where
        Q::Response: Default,
    {
        self.correlation_id += 1;
        let frame = frame(version, self.correlation_id, request);
        let life = self.life;
        let weather = self.weather();
        let answer = {
            let answered = self.answered(frame);
            match weather {
                Weather::Fair => answered.await,
                Weather::Unsent => None,
                Weather::Interrupted(after) => tokio::time::timeout(after, answered).await.ok().flatten(),
                Weather::Unheard => answered.await.and(None),
            }
        };
        life.clock.settle().await;
        if !life.is_alive() {
            // The world ends here.
            std::future::pending::<()>().await;
        }
        match answer {
            Some(bytes) => Ok(self.decoded::<Q>(version, bytes)),
            None => {
                self.context = context(life.next_connection());
                Err(Lost)
            }
        }
    }

    fn weather(&self) -> Weather {
        let chance = &self.life.chance;
        if self.reliable {
            return Weather::Fair;
        }
        match chance.below(TROUBLE_ODDS) {
            0 => Weather::Unsent,
            1 => Weather::Interrupted(Duration::from_millis(chance.below(30))),
            2 => Weather::Unheard,
            _ => Weather::Fair,
        }
    }

    /// The answer's frame; `None` if the node closes the connection.
    fn answered(&self, frame: Bytes) -> impl Future<Output = Option<Bytes>> + '_ {
        let whole = async move {
            let mut reply = self.life.node.api.dispatch(&self.context, frame).await;
            loop {
                match reply {
                    Reply::None => return Some(Bytes::new()),
                    Reply::Later(later) => reply = later.await,
                    Reply::Throttled(within, _) => reply = *within,
                    Reply::Close(why) => {
                        // A produce without an answer has no other way to say that it failed.
                        if self.life.is_alive() && !why.contains("acks=0") {
                            self.life.broken(&format!("a well-formed request closes the connection: {why}"));
                        }
                        return None;
                    }
                    // A file of a dead process cannot be read, and its client hears nothing.
                    Reply::Ready(response) => return response.to_vec().ok().map(Bytes::from),
                }
            }
        };
        async move {
            match tokio::time::timeout(Duration::from_millis(STUCK_MS), whole).await {
                Ok(answer) => answer,
                Err(_) => self.life.broken("a request is not answered"),
            }
        }
    }

    fn decoded<Q: Request>(&self, version: i16, mut bytes: Bytes) -> Q::Response
    where
        Q::Response: Default,
    {
        if bytes.is_empty() {
            // Acks 0: there is none.
            return Q::Response::default();
        }
        bytes.advance(4);
        let decoded = ResponseHeader::decode(&mut bytes, Q::Response::header_version(version))
            .and_then(|header| Ok((header, Q::Response::decode(&mut bytes, version)?)));
        match decoded {
            Ok((header, response)) if header.correlation_id == self.correlation_id && bytes.is_empty() => response,
            Ok(_) => self.life.broken("an answer of another request, or with bytes left over"),
            Err(error) => self.life.broken(&format!("an answer cannot be read: {error}")),
        }
    }
}

fn context(id: u64) -> ConnectionContext {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9092));
    ConnectionContext {
        id,
        listener: "PLAINTEXT".into(),
        security_protocol: "PLAINTEXT".into(),
        local: address,
        peer: address,
        principal: "User:ANONYMOUS".into(),
        client_software: OnceLock::new(),
        burst: Default::default(),
    }
}

fn frame<Q: Request>(version: i16, correlation_id: i32, request: &Q) -> Bytes {
    let header = RequestHeader::default()
        .with_request_api_key(Q::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("sim")));
    let mut bytes = BytesMut::new();
    header.encode(&mut bytes, Q::header_version(version)).expect("a header has no field that a version lacks");
    request.encode(&mut bytes, version).expect("the workload asks for what the version has");
    bytes.freeze()
}
