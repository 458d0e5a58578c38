//! What a running supervisor is asked for: to start, stop, restart and forget children.

use std::sync::Arc;

use tracing::warn;

use super::handle::{Reply, Request, StartError, Temporary};
use super::node::{Kind, Node};
use super::spec::{ChildSpec, Rules};
use super::task::Task;
use super::worker::{Child, Phase};

impl Task {
    pub(super) fn on_request(&mut self, request: Request) {
        match request {
            Request::Start(spec, reply) => {
                let result = self.start_child(*spec);
                answer(reply, result);
            }
            Request::StartTemporary(name, start, reply) => {
                let result = self.start_temporary(name, start);
                match (reply, result) {
                    (Some(reply), result) => answer(reply, result),
                    (None, Err(error)) => warn!(%error, "a temporary child was dropped"),
                    (None, Ok(())) => {}
                }
            }
            Request::Terminate(name, reply) => self.terminate_child(&name, reply),
            Request::Restart(name, reply) => {
                let result = self.restart_child(&name);
                answer(reply, result);
            }
            Request::Delete(name, reply) => {
                let result = self.delete_child(&name);
                answer(reply, result);
            }
            Request::Ping(reply) => answer(reply, Ok(())),
        }
    }

    fn check_room(&self) -> Result<(), StartError> {
        if self.children.len() >= self.max_children {
            return Err(StartError::Full {
                supervisor: Arc::clone(&self.node.name),
                limit: self.max_children,
            });
        }
        Ok(())
    }

    fn start_child(&mut self, spec: ChildSpec) -> Result<(), StartError> {
        if self.node.order_of(&spec.name).is_some() {
            return Err(StartError::AlreadyStarted(Arc::clone(&spec.name)));
        }
        self.check_room()?;
        let order = self.add(spec);
        self.start(order);
        Ok(())
    }

    fn start_temporary(&mut self, name: Arc<str>, start: Temporary) -> Result<(), StartError> {
        self.check_room()?;
        let order = self.insert(Node::new(name, Kind::Worker), None, Rules::ONCE);
        self.launch(order, None, start);
        Ok(())
    }

    fn restart_child(&mut self, name: &Arc<str>) -> Result<(), StartError> {
        let order = self
            .node
            .order_of(name)
            .ok_or_else(|| StartError::NotFound(Arc::clone(name)))?;
        match self.children.get(&order).map(AsRef::as_ref) {
            Some(Child {
                running: None, phase, ..
            }) => {
                if let Phase::Waiting(key) = phase {
                    self.timers.remove(key);
                }
                self.start(order);
                Ok(())
            }
            _ => Err(StartError::AlreadyStarted(Arc::clone(name))),
        }
    }

    fn delete_child(&mut self, name: &Arc<str>) -> Result<(), StartError> {
        let order = self
            .node
            .order_of(name)
            .ok_or_else(|| StartError::NotFound(Arc::clone(name)))?;
        match self.children.get(&order).map(AsRef::as_ref) {
            Some(Child {
                running: None,
                phase: Phase::Down,
                ..
            }) => {
                self.forget(order);
                Ok(())
            }
            _ => Err(StartError::AlreadyStarted(Arc::clone(name))),
        }
    }
}

pub(super) fn answer(reply: Reply<()>, result: Result<(), StartError>) {
    // Whoever asked may have gone; the deed is done all the same.
    let _ = reply.send(result);
}
