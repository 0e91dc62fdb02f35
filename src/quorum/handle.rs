//! The door to this node's member of the quorum.

use super::machine::{StateMachine, TooLarge};
use super::observer::{CommittedSource, Pull, PullError};
use super::settings;
use super::status::{LeaderView, QuorumStatus};
use crate::ids::NodeId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch, OwnedSemaphorePermit, Semaphore};

/// Why a submission has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// This node is not the active controller, and nothing was done.
    #[error("this node is not the active controller")]
    NotController {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// What was decided cannot be written down, and nothing was done.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// This node stopped being the active controller before the request was committed. It may or may not take effect. Kafka
    /// answers NOT_CONTROLLER here too.
    #[error("this node stopped being the active controller; the outcome is unknown")]
    LeadershipLost {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// No answer in time. The request may or may not take effect.
    #[error("the request was not answered in time; the outcome is unknown")]
    Timeout,
    /// The quorum's member has ended. The request may or may not take effect.
    #[error("the metadata quorum has stopped")]
    Stopped,
}

/// The quorum's member has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata quorum has stopped")]
pub struct Stopped;

/// A request on its way to the driver.
pub(super) struct Submission<M: StateMachine> {
    pub(super) request: M::Request,
    pub(super) answer: oneshot::Sender<Result<M::Response, SubmitError>>,
    /// The request's share of the mailbox, until the driver takes it.
    pub(super) room: OwnedSemaphorePermit,
}

/// What is asked of the driver itself.
pub(super) enum Question {
    Status(oneshot::Sender<QuorumStatus>),
    Pull { observer: NodeId, applied_index: u64, max_bytes: u64, answer: oneshot::Sender<Result<Pull, PullError>> },
    Observed { observer: NodeId, applied_index: u64 },
    Stop(oneshot::Sender<()>),
}

/// The driver's ends of the channels.
pub(super) struct Channels<M: StateMachine> {
    pub(super) submissions: mpsc::Receiver<Submission<M>>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) view: watch::Sender<LeaderView>,
}

/// The door to this node's member of the quorum. Clones share it.
pub struct Handle<M: StateMachine> {
    submissions: mpsc::Sender<Submission<M>>,
    questions: mpsc::Sender<Question>,
    /// Bytes left in the mailbox.
    room: Arc<Semaphore>,
    view: watch::Receiver<LeaderView>,
    timeout: Duration,
}

impl<M: StateMachine> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self {
            submissions: self.submissions.clone(),
            questions: self.questions.clone(),
            room: self.room.clone(),
            view: self.view.clone(),
            timeout: self.timeout,
        }
    }
}

impl<M: StateMachine> Handle<M> {
    pub(super) fn new(timeout_ms: u64) -> (Self, Channels<M>) {
        let (submissions, submissions_in) = mpsc::channel(settings::MAX_MAILBOX_SUBMISSIONS);
        let (questions, questions_in) = mpsc::channel(settings::MAX_MAILBOX_QUESTIONS);
        let (view_in, view) = watch::channel(LeaderView::default());
        let room = Arc::new(Semaphore::new(settings::MAX_MAILBOX_BYTES));
        let handle = Self { submissions, questions, room, view, timeout: Duration::from_millis(timeout_ms) };
        (handle, Channels { submissions: submissions_in, questions: questions_in, view: view_in })
    }

    /// Asks the active controller, if that is this node. The answer comes once everything behind it is committed and published
    /// here. Waits for room in the mailbox; the whole takes at most the settings' `submit_timeout_ms`.
    ///
    /// # Errors
    /// [`SubmitError::NotController`] and [`SubmitError::TooLarge`] mean that nothing happened; after the others it may have.
    pub async fn submit(&self, request: M::Request) -> Result<M::Response, SubmitError> {
        tokio::time::timeout(self.timeout, self.submit_untimed(request)).await.unwrap_or(Err(SubmitError::Timeout))
    }

    async fn submit_untimed(&self, request: M::Request) -> Result<M::Response, SubmitError> {
        let bytes = M::request_bytes(&request).clamp(1, settings::MAX_MAILBOX_BYTES);
        let bytes = u32::try_from(bytes).expect("the mailbox is smaller than 4 GiB");
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| SubmitError::Stopped)?;
        let (answer, answered) = oneshot::channel();
        let submission = Submission { request, answer, room };
        self.submissions.send(submission).await.map_err(|_| SubmitError::Stopped)?;
        answered.await.unwrap_or(Err(SubmitError::Stopped))
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Question) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        self.questions.send(question(answer)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// The quorum's state as this node sees it, for DescribeQuorum.
    ///
    /// # Errors
    /// The member has ended.
    pub async fn status(&self) -> Result<QuorumStatus, Stopped> {
        self.ask(Question::Status).await
    }

    /// Notes that an observer has applied everything up to `applied_index`; its heartbeat says so. Dropped if the driver is busy:
    /// the next heartbeat says it again.
    pub fn observed(&self, observer: NodeId, applied_index: u64) {
        let _ = self.questions.try_send(Question::Observed { observer, applied_index });
    }

    /// Who leads, as this node sees it now.
    pub fn leader(&self) -> LeaderView {
        self.view.borrow().clone()
    }

    /// Follows who leads. Neighbouring changes may be seen as one.
    pub fn leader_changes(&self) -> watch::Receiver<LeaderView> {
        self.view.clone()
    }

    /// Waits until this node is the active controller.
    ///
    /// # Errors
    /// The member has ended.
    pub async fn wait_active(&self) -> Result<(), Stopped> {
        self.view.clone().wait_for(|view| view.active).await.map(|_| ()).map_err(|_| Stopped)
    }

    /// Ends the member: what it still writes becomes durable, and whoever waits for an answer hears
    /// [`SubmitError::Stopped`]. Returns when that is done.
    pub async fn stop(&self) {
        let _ = self.ask(Question::Stop).await;
    }
}

impl<M: StateMachine> CommittedSource for Handle<M> {
    fn pull<'a>(
        &'a self,
        observer: NodeId,
        applied_index: u64,
        max_bytes: u64,
    ) -> Pin<Box<dyn Future<Output = Result<Pull, PullError>> + Send + 'a>> {
        Box::pin(async move {
            self.ask(|answer| Question::Pull { observer, applied_index, max_bytes, answer })
                .await
                .unwrap_or_else(|stopped| Err(PullError(stopped.to_string())))
        })
    }
}
