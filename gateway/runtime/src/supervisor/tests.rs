//! Supervision, tested: a lab of scripted children, and the rules one by one. Time is paused in all of them.

mod dynamic;
mod exits;
mod intensity;
mod order;
mod property;
mod run_queue;
mod strategies;
mod vigil;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{
    Backoff, ChildSpec, Context, Restart, Shutdown, State, Strategy, Supervisor, SupervisorError,
    SupervisorHandle,
};
use crate::lock;

/// What a scripted child does next.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Return,
    Fail,
    Panic,
}

type Orders = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Fate>>>;

/// Children whose fates a test decides, and a log of what they saw.
#[derive(Clone, Default)]
struct Lab {
    log: Arc<Mutex<Vec<String>>>,
    fates: Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Fate>>>>,
}

impl Lab {
    fn note(&self, line: impl Into<String>) {
        lock(&self.log).push(line.into());
    }

    /// What was noted since the last call.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.log))
    }

    /// A child that notes start and stop, restarts at once and obeys `Lab::decide`.
    fn child(&self, name: &str) -> ChildSpec {
        let (sender, receiver) = mpsc::unbounded_channel();
        lock(&self.fates).insert(name.to_owned(), sender);
        let (lab, fates) = (self.clone(), Arc::new(tokio::sync::Mutex::new(receiver)));
        ChildSpec::new(name, move |context| {
            Self::live(lab.clone(), Arc::clone(&fates), context)
        })
        .backoff(Backoff::NONE)
    }

    async fn live(self, fates: Orders, context: Context) -> Result<(), super::BoxError> {
        let name = context.name().to_owned();
        self.note(format!("start {name}"));
        context.ready();
        let mut fates = fates.lock().await;
        tokio::select! {
            () = context.shutdown.requested() => {
                self.note(format!("stop {name}"));
                Ok(())
            }
            fate = fates.recv() => match fate {
                Some(Fate::Fail) => Err("no luck".into()),
                Some(Fate::Panic) => panic!("out of luck"),
                Some(Fate::Return) | None => Ok(()),
            },
        }
    }

    async fn decide(&self, name: &str, fate: Fate) {
        let sender = lock(&self.fates).get(name).cloned();
        sender
            .expect("a child of this lab")
            .send(fate)
            .expect("the child's orders are kept by its factory");
        settle().await;
    }
}

/// A supervisor that runs in a task of the test.
struct Running {
    handle: SupervisorHandle,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), SupervisorError>>,
}

impl Running {
    async fn new(supervisor: Supervisor) -> Self {
        let (handle, shutdown) = (supervisor.handle(), Shutdown::new());
        let task = tokio::task::spawn(supervisor.run(shutdown.clone()));
        settle().await;
        Self {
            handle,
            shutdown,
            task,
        }
    }

    async fn stop(self) -> Result<(), SupervisorError> {
        self.shutdown.request();
        self.task.await.expect("a supervisor does not panic")
    }

    fn state(&self, name: &str) -> Option<State> {
        self.handle.child(name).map(|child| child.state)
    }
}

/// Lets every task run until all of them wait; with paused time this takes no time worth mentioning.
async fn settle() {
    tokio::time::sleep(Duration::from_micros(1)).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
}

fn three(lab: &Lab, strategy: Strategy) -> Supervisor {
    Supervisor::new("three", strategy)
        .intensity(100, Duration::from_secs(1))
        .child(lab.child("a"))
        .child(lab.child("b"))
        .child(lab.child("c"))
}
