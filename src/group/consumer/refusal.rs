//! Why a request of the consumer protocol was refused, with the text that goes beside the error.

use super::super::error::GroupError;
use super::super::Text;
use std::fmt::Display;

/// An error and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error.
    pub error: GroupError,
    /// Its text.
    pub message: String,
}

impl Refusal {
    /// An error with a text.
    pub fn new(error: GroupError, message: impl Into<String>) -> Self {
        Self { error, message: message.into() }
    }

    /// There is no such group of this protocol.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(GroupError::GroupIdNotFound, message)
    }

    /// The group does not know this member.
    pub fn unknown_member(group: &Text, member: &str) -> Self {
        Self::new(GroupError::UnknownMemberId, format!("Member {member} is not a member of group {group}."))
    }

    /// The request lacks something, or contradicts itself.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(GroupError::InvalidRequest, message)
    }

    /// Another member has the instance id.
    pub fn fenced_instance(member: &str, instance: impl Display, holder: &str) -> Self {
        let message = format!("Static member {member} with instance id {instance} was fenced by member {holder}.");
        Self::new(GroupError::FencedInstanceId, message)
    }
}
