//! One connection, and frames that say what a test wants said.

use crate::{text, PATIENCE};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// One connection. Requests are numbered from 1.
pub struct Client {
    stream: TcpStream,
    correlation_id: i32,
    /// Sent with every request.
    pub client_id: String,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the broker listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, correlation_id: 0, client_id: "protocol-tests".to_owned() }
    }

    /// Sends a request of `version` and reads its answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.send(version, request);
        let (answered, response) = self.receive::<R>(version);
        assert_eq!(answered, id, "answers come in order");
        response
    }

    /// Sends a request without waiting; its correlation id.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        self.correlation_id += 1;
        let frame = frame(version, self.correlation_id, &self.client_id, request);
        self.stream.write_all(&frame).expect("the connection takes a request");
        self.correlation_id
    }

    /// Reads the answer to a request of `R` in `version`: its correlation id and body. Nothing may be left over.
    pub fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let mut body = self.receive_frame().expect("an answer");
        let header_version = <R::Response as HeaderVersion>::header_version(version);
        let header = ResponseHeader::decode(&mut body, header_version).expect("an answer's header");
        let response = R::Response::decode(&mut body, version).expect("an answer's body");
        assert!(!body.has_remaining(), "{} bytes behind the answer to {} {version}", body.remaining(), R::KEY);
        (header.correlation_id, response)
    }

    /// What the broker serves.
    pub fn api_versions(&mut self) -> ApiVersionsResponse {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(text("protocol-tests"))
            .with_client_software_version(text("1"));
        self.call(4, &request)
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Says that no more requests come.
    pub fn finish(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("an open connection");
    }

    /// Reads one frame, without its length.
    pub fn receive_frame(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut frame = vec![0; i32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Waits until the broker closes the connection; an answer instead fails the test.
    pub fn expect_close(&mut self) {
        match self.receive_frame() {
            Ok(frame) => panic!("an answer of {} bytes where a close was due", frame.len()),
            Err(error) => assert!(
                matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset),
                "{error}"
            ),
        }
    }
}

/// A whole request frame.
pub fn frame<R: Request>(version: i16, correlation_id: i32, client_id: &str, request: &R) -> Bytes {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(text(client_id)));
    let mut bytes = BytesMut::new();
    bytes.put_i32(0);
    header.encode(&mut bytes, R::header_version(version)).expect("a request's header");
    request.encode(&mut bytes, version).expect("a request's body");
    let length = bytes.len() as i32 - 4;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes.freeze()
}
